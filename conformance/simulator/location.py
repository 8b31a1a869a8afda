"""Where a new capture or refund is said to be: on the host that the caller used."""

from __future__ import annotations

import functools
import re

from conformance.exchange import Request

__all__ = ["origin"]

_PLAYGROUND = "https://api.playground.klarna.com"

# The real hosts are served over TLS only; every other host is a double on somebody's own machine.
_SECURE_DOMAINS = (".klarna.com", ".kustom.co")
_HOST = re.compile(r"[A-Za-z0-9._~%-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?", re.ASCII)
_ABSOLUTE = re.compile(r"(https?)://([^/?#]*)", re.ASCII | re.IGNORECASE)
_LONGEST_HOST = 300


def origin(request: Request) -> str:
    """Return scheme and host of a request, from its absolute target or its Host header.

    A request that names no usable host is taken for one to the European playground.
    """
    if not request.target.startswith("/"):
        absolute = _ABSOLUTE.match(request.target)
        if absolute is not None and _is_host(absolute[2]):
            return f"{absolute[1].lower()}://{absolute[2]}"
    return _of_host(request.headers.get("Host"))


@functools.lru_cache(maxsize=256)
def _of_host(host: str | None) -> str:
    if host is None or not _is_host(host):
        return _PLAYGROUND
    secure = host.partition(":")[0].lower().endswith(_SECURE_DOMAINS)
    return f"{'https' if secure else 'http'}://{host}"


def _is_host(host: str) -> bool:
    return len(host) <= _LONGEST_HOST and _HOST.fullmatch(host) is not None
