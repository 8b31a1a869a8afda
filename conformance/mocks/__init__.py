"""Mocks of the API for the tests of a client: faithful by default, any documented answer in one line.

The package stands after ``clients`` in the order of imports: exchange, contract, judge, simulator, recordings,
clients, mocks, suites.
"""

from __future__ import annotations

from conformance.mocks.klarna_mock import KlarnaMock
from conformance.mocks.mounting import mount
from conformance.mocks.serving import serve_mock

__all__ = ["KlarnaMock", "mount", "serve_mock"]
