"""Runs the command line as ``python -m conformance``, for machines whose scripts directory is not on the path."""

from __future__ import annotations

from conformance.cli import main

if __name__ == "__main__":
    main()
