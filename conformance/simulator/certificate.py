"""Certificates that live as long as one server: a caller must trust one of them, and none of the others."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from conformance.exceptions import UsageError

__all__ = ["CERTIFICATES", "Certificates"]

CERTIFICATES: Mapping[str, str] = MappingProxyType(
    {
        "trusted": "made out to this host by the authority that callers are given",
        "unknown_authority": "made out to this host by an authority that nobody is given",
        "expired": "of the authority that callers are given, but no longer valid",
        "other_name": "of the authority that callers are given, but made out to another host",
    }
)
_OTHER_NAME = "api.example.invalid"


class Certificates:
    """Makes contexts for servers on one host; raises UsageError where the library for it is not installed."""

    def __init__(self, host: str) -> None:
        try:
            import trustme  # noqa: PLC0415 - an extra
        except ImportError:
            raise UsageError("TLS needs the extra: pip install 'klarna-conformance[clients]'") from None
        self._host = host
        self._given: Any = trustme.CA()
        self._withheld: Any = trustme.CA()

    @property
    def authority_pem(self) -> str:
        """The certificate of the authority that callers are given."""
        pem: bytes = self._given.cert_pem.bytes()
        return pem.decode("ascii")

    def context(self, name: str) -> ssl.SSLContext:
        """Return what a server needs to show one of ``CERTIFICATES``."""
        now = datetime.now(UTC)
        made = {
            "trusted": lambda: self._given.issue_cert(self._host),
            "unknown_authority": lambda: self._withheld.issue_cert(self._host),
            "expired": lambda: self._given.issue_cert(
                self._host, not_before=now - timedelta(days=30), not_after=now - timedelta(days=1)
            ),
            "other_name": lambda: self._given.issue_cert(_OTHER_NAME),
        }[name]()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.configure_cert(context)
        return context
