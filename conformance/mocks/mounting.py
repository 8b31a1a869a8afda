"""Mounts the mock where httpx and httpx2 send their requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conformance.exceptions import UsageError
from conformance.mocks.klarna_mock import KlarnaMock, simulator_for
from conformance.simulator.service import Simulator

if TYPE_CHECKING:
    import respx

__all__ = ["PLAYGROUND", "mount"]

PLAYGROUND = "https://api.playground.klarna.com"


def mount(
    router: respx.Router | None = None,
    *,
    base_url: str = PLAYGROUND,
    simulator: Simulator | None = None,
    behaviour: str | None = None,
    credentials: tuple[str, str] | None = None,
    using: str | Sequence[str] | None = None,
    strict: bool = True,
    check_unused: bool = True,
) -> KlarnaMock:
    """Mount the whole contract on a respx router, so that a client's tests meet the service without a network.

    Without a router, one of its own is started for httpx and, where pytest-httpx2 is installed, for httpx2; ``using``
    names respx's mockers instead (``"httpcore"``, ``"httpcore2"``). The mock is in place when the function returns,
    and taken down by ``unmount()`` or at the end of a ``with`` block, which also verifies. ``simulator`` is a
    prepared one, otherwise a new one with ``behaviour`` (``documented`` or ``observed``) and ``credentials``
    (username, password) for its first merchant. ``strict`` and ``check_unused`` are those of KlarnaMock.

    Raises UsageError when respx is not installed or an argument cannot be used.
    """
    try:
        from conformance.mocks.respx_router import RespxDoor  # noqa: PLC0415 - an extra, and heavy
    except ImportError as missing:
        raise UsageError(f"{missing.name} is not installed; install klarna-conformance[mocks]") from None
    mock = KlarnaMock(
        simulator_for(simulator, behaviour, credentials), base_url, strict=strict, check_unused=check_unused
    )
    door = RespxDoor(mock, router, (using,) if isinstance(using, str) else using)
    return mock.mounted_by(door.close)
