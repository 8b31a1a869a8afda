"""The HTTP library underneath: httpx, or where that is missing its successor, which has the same interface."""

from __future__ import annotations

try:
    import httpx
except ImportError:
    import httpx2 as httpx  # type: ignore[no-redef]  # one name for whichever of the two is installed

__all__ = ["httpx"]
