from __future__ import annotations

import pytest

from conformance.exchange import Request, Response
from conformance.simulator import history
from conformance.simulator.history import History


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_MOST_EXCHANGES", 3)
    kept = History()
    for number in range(5):
        kept.add(Request("GET", f"/{number + 1}"), Response(200))
    assert [(number, request.target) for number, request, _ in kept.numbered()] == [(3, "/3"), (4, "/4"), (5, "/5")]
    assert kept.total == 5
    assert [exchange.request.target for exchange in kept.exchanges()] == ["/3", "/4", "/5"]


def test_size_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_MOST_BYTES", 10)
    kept = History()
    kept.add(Request("POST", "/1", body=b"12345"), Response(200, body=b"12345"))
    assert len(kept.exchanges()) == 1
    kept.add(Request("POST", "/2", body=b"1"), Response(200))
    kept.add(Request("POST", "/3", body=b"1" * 50), Response(200))
    assert [request.target for _, request, _ in kept.numbered()] == ["/3"]
    kept.add(Request("POST", "/4"), Response(200))
    assert [request.target for _, request, _ in kept.numbered()] == ["/4"]
