"""Who may call the double, so that one merchant's orders can be kept from another."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance.simulator.control_error import ControlError

__all__ = ["DEFAULT_MERCHANTS", "Credentials", "Merchant"]

# No secret of this simulator is longer; a header beyond it is refused before it is decoded.
_LONGEST_HEADER = 8_192


@dataclass(frozen=True, slots=True)
class Merchant:
    """One account: several credentials may share a ``merchant_id`` and then share its orders."""

    username: str
    password: str = field(repr=False)
    merchant_id: str


DEFAULT_MERCHANTS = (
    Merchant("K100001_conformance", "conformance-secret", "K100001"),
    Merchant("K100002_conformance", "conformance-other-secret", "K100002"),
)


class Credentials:
    """Recognises a merchant by the value of an Authorization header (HTTP Basic, UTF-8)."""

    __slots__ = ("_by_header", "_by_username", "merchants")

    def __init__(self, merchants: Iterable[Merchant]) -> None:
        self.merchants = tuple(merchants)
        if not self.merchants:
            raise ControlError("merchants: at least one is needed")
        self._by_username: dict[str, Merchant] = {}
        self._by_header: dict[str | None, Merchant] = {}
        for merchant in self.merchants:
            if ":" in merchant.username:
                raise ControlError("merchants: a username cannot hold a colon")
            if merchant.username in self._by_username:
                raise ControlError(f"merchants: {merchant.username} is named twice")
            self._by_username[merchant.username] = merchant
            pair = f"{merchant.username}:{merchant.password}".encode()
            self._by_header["Basic " + base64.b64encode(pair).decode("ascii")] = merchant

    def identify(self, authorization: str | None) -> Merchant | None:
        """Return the merchant whose credentials the header carries; None when it is absent, malformed or wrong."""
        merchant = self._by_header.get(authorization)
        if merchant is None and authorization is not None:
            merchant = self._decoded(authorization)
        return merchant

    def named(self, name: str) -> Merchant | None:
        """Return the merchant with this username or merchant id."""
        found = self._by_username.get(name)
        if found is None:
            found = next((merchant for merchant in self.merchants if merchant.merchant_id == name), None)
        return found

    def username(self, authorization: str) -> str:
        """Return the username that a header carries, so that it can be shown in place of the secret."""
        pair = _pair(authorization)
        return pair[0] if pair else ""

    def _decoded(self, authorization: str) -> Merchant | None:
        pair = _pair(authorization)
        if pair is None:
            return None
        merchant = self._by_username.get(pair[0])
        if merchant is None or not hmac.compare_digest(merchant.password.encode(), pair[1].encode()):
            return None
        return merchant


def _pair(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.strip(" \t").partition(" ")
    if scheme.lower() != "basic" or len(authorization) > _LONGEST_HEADER:
        return None
    try:
        username, colon, password = base64.b64decode(encoded.strip(" \t"), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (username, password) if colon else None
