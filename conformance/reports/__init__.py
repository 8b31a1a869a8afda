"""Reports: each turns one run result into something for a reader, a CI system or a program."""
