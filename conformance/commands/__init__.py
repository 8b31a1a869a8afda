"""One module a command: it parses, calls one function and prints. Each exposes ``command``."""
