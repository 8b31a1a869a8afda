"""Conformance suite for Klarna's Order Management API: one judge for servers, clients and recorded traffic."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
