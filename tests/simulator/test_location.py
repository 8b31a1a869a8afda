from __future__ import annotations

import pytest

from conformance.exchange import Headers, Request
from conformance.simulator.location import origin


@pytest.mark.parametrize(
    ("target", "host", "expected"),
    [
        ("/x", "127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("/x", "localhost", "http://localhost"),
        ("/x", "[::1]:9", "http://[::1]:9"),
        ("/x", "api-na.playground.klarna.com", "https://api-na.playground.klarna.com"),
        ("/x", "API.klarna.com:443", "https://API.klarna.com:443"),
        ("/x", None, "https://api.playground.klarna.com"),
        ("/x", "", "https://api.playground.klarna.com"),
        ("/x", "a\r\nX: y", "https://api.playground.klarna.com"),
        ("/x", "a/b", "https://api.playground.klarna.com"),
        ("/x", "a" * 1_000, "https://api.playground.klarna.com"),
        ("https://example.com/x", "other", "https://example.com"),
        ("HTTP://127.0.0.1:1/x", "other", "http://127.0.0.1:1"),
        ("https://user@example.com/x", "other", "http://other"),
        ("ftp://example.com/x", "other", "http://other"),
    ],
)
def test_the_host_that_was_asked_is_named(target: str, host: str | None, expected: str) -> None:
    headers = Headers([] if host is None else [("Host", host)])
    assert origin(Request("POST", target, headers)) == expected
