"""The drivers of a server: the deterministic matrix and Schemathesis, each case judged by the same judge."""
