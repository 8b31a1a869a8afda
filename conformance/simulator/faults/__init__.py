"""The fault zoo: the double made wrong on purpose, one fault at a time, so that every check can be shown to bite."""
