"""The passive oracle: it is fed exchanges in order, does no I/O, asks nothing, and says what breaks the contract."""
