"""The way from respx to the mock and back, for sync and async clients alike: nothing here waits, so nothing awaits."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Sequence
from typing import Any

import httpx
import respx
from respx.mocks import Mocker
from respx.models import AllMockedAssertionError

from conformance.exceptions import UsageError
from conformance.exchange import Headers, Request
from conformance.mocks.klarna_mock import KlarnaMock
from conformance.mocks.mistake import UnmatchedRequestError
from conformance.mocks.rule import Mishap

__all__ = ["RespxDoor"]

# respx's name for what it patches, and the library whose exceptions the caller then knows.
_LIBRARIES = {"httpcore": "httpx", "httpx": "httpx", "httpcore2": "httpx2"}

_MISHAPS = {
    Mishap.TIMES_OUT: ("ReadTimeout", "the read operation timed out"),
    Mishap.RESETS: ("ReadError", "the connection was reset"),
    Mishap.LOSES_THE_REPLY: ("RemoteProtocolError", "the server disconnected without sending a response"),
}

# Every mock that is mounted, since a request that one of them does not know may be meant for another.
_MOUNTED: list[KlarnaMock] = []


class _UnmatchedHereError(UnmatchedRequestError, AllMockedAssertionError):
    """Lets respx ask its other routers before the request is given up."""


class _MountedRoute(respx.Route):
    """A route that need not be called: which requests a client makes is for the test to say."""

    @property
    def called(self) -> bool:
        """Satisfy routers that insist on every route being called."""
        return True


class RespxDoor:
    """One mock on one router, or on routers of its own."""

    def __init__(self, mock: KlarnaMock, router: respx.Router | None, using: Sequence[str] | None) -> None:
        self._mock = mock
        self._own: list[respx.MockRouter] = []
        self._given = router
        self._name = f"klarna {mock.base_url} {id(mock)}"
        if router is not None:
            if using is not None:
                raise UsageError("using: a router that is given decides for itself what it patches")
            self._add(router)
        else:
            mockers = _mockers(using)
            for name in mockers:
                own = respx.MockRouter(assert_all_called=False, using=name)
                self._add(own)
                own.start()
                self._own.append(own)
        _MOUNTED.append(mock)

    def close(self) -> None:
        """Take the mock off its router."""
        _MOUNTED.remove(self._mock)
        for own in self._own:
            own.stop(quiet=True)
        if self._given is not None:
            self._given.pop(self._name, None)

    def _add(self, router: respx.Router) -> None:
        using = getattr(router, "using", None) or "httpcore"
        library = importlib.import_module(_LIBRARIES.get(using, "httpx"))

        def respond(request: httpx.Request) -> httpx.Response | None:
            return self._respond(request, library)

        # A pattern of its own keeps respx from taking the route for another that matches everything.
        route = _MountedRoute(_Everything(self._name))
        router.add(route, name=self._name).mock(side_effect=respond)

    def _respond(self, request: httpx.Request, library: Any) -> httpx.Response | None:
        asked = _asked(request)
        origin = _origin(request.url)
        if not self._mock.is_meant(origin, asked.target):
            if self._given is not None:
                return None
            where = f"{asked.method} {origin}{asked.target}"
            raise _UnmatchedHereError(f"{where} is not for {self._mock.base_url}, which is all that is mocked")
        try:
            answer = self._mock.answer(asked, origin)
        except UnmatchedRequestError as complaint:
            if not any(other is not self._mock and other.mounted.origin == origin for other in _MOUNTED):
                self._mock.complaints.append(complaint)
            raise _UnmatchedHereError(str(complaint)) from None
        except AssertionError as complaint:
            self._mock.complaints.append(complaint)
            raise
        if isinstance(answer, Mishap):
            name, words = _MISHAPS[answer]
            raise getattr(library, name)(f"{words} (mocked)")
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        return httpx.Response(answer.status, headers=headers, content=answer.body)


class _Everything(respx.patterns.Pattern):
    """Matches every request, and equals no other pattern."""

    key = "klarna"
    lookups = (respx.patterns.Lookup.EQUAL,)

    def parse(self, _request: httpx.Request) -> Any:
        """Return what is compared with the pattern's own value."""
        return self.value


def _mockers(using: Sequence[str] | None) -> tuple[str, ...]:
    if using is None:
        with contextlib.suppress(ImportError):
            # Brings respx's mocker for httpx2; without it, httpx2 is none of our business.
            importlib.import_module("pytest_httpx2")
        return tuple(name for name in ("httpcore", "httpcore2") if name in Mocker.registry)
    for name in using:
        if name not in Mocker.registry:
            raise UsageError(f"using={name!r}: respx knows {', '.join(sorted(Mocker.registry))} here")
    return tuple(using)


def _asked(request: httpx.Request) -> Request:
    headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
    return Request(request.method, request.url.raw_path.decode("ascii"), headers, request.read())


def _origin(url: httpx.URL) -> str:
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}" + (f":{url.port}" if url.port is not None else "")
