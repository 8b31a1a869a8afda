"""Where the service lives: the sandboxes that may be asked, and the live hosts that never are."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from conformance.exceptions import UsageError

__all__ = ["SANDBOXES", "is_live", "refuse_live", "sandbox_url"]

SANDBOXES: Mapping[str, str] = {
    "playground-eu": "https://api.playground.klarna.com",
    "playground-na": "https://api-na.playground.klarna.com",
    "playground-oc": "https://api-oc.playground.klarna.com",
}
"""Name to base URL. Keys belong to one region and one environment; any other answers 401."""

_DOMAINS = ("klarna.com", "kustom.co", "klarna.net", "klarnaservices.com")
_SANDBOX_LABEL = "playground"


def sandbox_url(name: str) -> str:
    """Return the base URL of a sandbox; raises UsageError for a name that is none."""
    try:
        return SANDBOXES[name]
    except KeyError:
        raise UsageError(f"no sandbox {name!r}; there are {', '.join(SANDBOXES)}") from None


def is_live(base_url: str) -> bool:
    """Tell by its name whether a host serves real money: any of the operator's that is not under a playground."""
    try:
        host = (urlsplit(base_url).hostname or "").lower().rstrip(".")
    except ValueError:
        return False
    for domain in _DOMAINS:
        if host == domain or host.endswith(f".{domain}"):
            return _SANDBOX_LABEL not in host[: -len(domain)].split(".")
    return False


def refuse_live(base_url: str) -> None:
    """Raise UsageError for a live host: the cases move money."""
    if is_live(base_url):
        host = urlsplit(base_url).hostname
        raise UsageError(f"{host} is the live service, where cases would move real money; name a playground")
