"""The mock in front of httpx and httpx2, sync and async, on routers of its own and of others."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
import threading
from typing import Any

import httpx
import httpx2
import pytest
import respx

from conformance.contract.contract import load_contract
from conformance.exceptions import UsageError
from conformance.mocks import KlarnaMock, mount
from conformance.mocks.mistake import BrokenPromiseError, UnmatchedRequestError, UnusedAnswerError
from conformance.simulator.service import Simulator

MISHAPS = [("times_out", "ReadTimeout"), ("resets", "ReadError"), ("loses_the_reply", "RemoteProtocolError")]
# One for all clients: reading the trusted certificates takes longer than most tests.
TRUST = ssl.create_default_context()
LIBRARIES: list[Any] = [httpx, httpx2]


def client_of(library: Any, klarna: KlarnaMock, kind: str = "Client") -> Any:
    base_url = f"{klarna.base_url}/ordermanagement/v1"
    return getattr(library, kind)(base_url=base_url, auth=klarna.auth, verify=TRUST)


def read_carelessly(library: Any, order_id: str) -> None:
    """Do as a client does that takes every exception for a trouble of the network."""
    with mount() as klarna, client_of(library, klarna) as client:
        klarna.orders.get.answers(200)
        with contextlib.suppress(Exception):
            client.get(f"/orders/{order_id}")


def divide_by_nothing() -> None:
    with mount() as klarna:
        klarna.orders.get.resets()
        raise ZeroDivisionError


@pytest.mark.parametrize("library", LIBRARIES)
def test_state_lives_behind_a_sync_client(klarna: KlarnaMock, library: Any) -> None:
    order = klarna.order(amount=10_000)
    with client_of(library, klarna) as client:
        made = client.post(f"/orders/{order.id}/captures", json={"captured_amount": 4000})
        assert made.status_code == 201
        assert (
            made.headers["location"]
            == f"{klarna.base_url}/ordermanagement/v1/orders/{order.id}/captures/" + (made.headers["capture-id"])
        )
        assert client.get(made.headers["location"]).json()["captured_amount"] == 4000
        assert client.get(f"/orders/{order.id}").json()["remaining_authorized_amount"] == 6000
        assert client.post(f"/orders/{order.id}/cancel").status_code == 403
    assert order.captured_once(4000)


@pytest.mark.parametrize("library", LIBRARIES)
def test_state_lives_behind_an_async_client(klarna: KlarnaMock, library: Any) -> None:
    order = klarna.order(amount=10_000)
    klarna.captures.create.answers(503, "times_out", 201)

    async def capture() -> list[Any]:
        results: list[Any] = []
        async with client_of(library, klarna, "AsyncClient") as client:
            for _ in range(3):
                try:
                    answer = await client.post(f"/orders/{order.id}/captures", json={"captured_amount": 4000})
                    results.append(answer.status_code)
                except library.ReadTimeout:
                    results.append("timed out")
            results.append((await client.get(f"/orders/{order.id}")).json()["captured_amount"])
        return results

    assert asyncio.run(capture()) == [503, "timed out", 201, 4000]
    assert order.captured_once(4000)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("mishap", "error"), MISHAPS)
def test_mishaps_are_exceptions_of_the_library(klarna: KlarnaMock, library: Any, mishap: str, error: str) -> None:
    order = klarna.order()
    getattr(klarna.captures.create, mishap)()
    with client_of(library, klarna) as client, pytest.raises(getattr(library, error)) as raised:
        client.post(f"/orders/{order.id}/captures", json={"captured_amount": 1})
    assert isinstance(raised.value, library.TransportError)
    assert raised.value.request.url.path.endswith("/captures")
    assert bool(order.captured_once()) is (mishap == "loses_the_reply")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_streamed_request_is_read(klarna: KlarnaMock, library: Any) -> None:
    order = klarna.order()

    def pieces() -> Any:
        yield b'{"captured_'
        yield b'amount": 12}'

    with client_of(library, klarna) as client:
        headers = {"Content-Type": "application/json"}
        answer = client.post(f"/orders/{order.id}/captures", content=pieces(), headers=headers)
    assert answer.status_code == 201
    assert order.captured_once(12)


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_unmatched_request_fails_even_when_it_is_swallowed(library: Any) -> None:
    with mount(check_unused=False) as klarna:
        with (
            client_of(library, klarna) as client,
            pytest.raises(UnmatchedRequestError, match="nearest is captureOrder"),
        ):
            client.post("/orders/1/capture")
        with pytest.raises(UnmatchedRequestError, match="segment 5 is 'capture', not 'captures'"):
            klarna.verify()
        klarna.complaints.clear()
    with pytest.raises(UnmatchedRequestError):
        read_carelessly(library, "")


def test_a_wrong_host_is_named() -> None:
    with mount() as klarna, httpx.Client(auth=klarna.auth, verify=TRUST) as client:
        with pytest.raises(
            UnmatchedRequestError, match=r"the host is https://api\.klarna\.com, mounted is https://api\.play"
        ):
            client.get("https://api.klarna.com/ordermanagement/v1/orders/1")
        klarna.complaints.clear()
        with pytest.raises(
            UnmatchedRequestError, match=r"GET https://\[::1\]:9/x is not for https://api.playground.kl"
        ):
            client.get("https://[::1]:9/x")
        assert klarna.complaints == []


def test_a_doubled_slash_before_the_base_path_is_accepted(klarna: KlarnaMock) -> None:
    order = klarna.order()
    with httpx.Client(auth=klarna.auth, verify=TRUST) as client:
        assert client.get(f"{klarna.base_url}//ordermanagement/v1/orders/{order.id}").status_code == 200


def test_two_hosts_are_mocked_side_by_side() -> None:
    with mount() as europe, mount(base_url="https://api-na.playground.klarna.com/") as america:
        mine, other = europe.order(merchant_reference1="eu"), america.order(merchant_reference1="na")
        with client_of(httpx, america) as client:
            assert client.get(f"/orders/{other.id}").json()["merchant_reference1"] == "na"
        with client_of(httpx, europe) as client:
            assert client.get(f"/orders/{mine.id}").json()["merchant_reference1"] == "eu"


def test_a_base_url_may_have_a_path_and_a_port() -> None:
    with mount(base_url="http://shop.test:8080/klarna/") as klarna:
        order = klarna.order()
        with client_of(httpx, klarna) as client:
            assert client.get(f"/orders/{order.id}").status_code == 200
        with httpx.Client(verify=TRUST) as client, pytest.raises(UnmatchedRequestError, match="'klarna' is missing as"):
            client.get("http://shop.test:8080/ordermanagement/v1/orders/1")
        klarna.complaints.clear()


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("ftp://a", "give http or https"),
        ("nonsense", "give http or https"),
        ("https://user:secret@a", "no credentials"),
        ("http://[", "is no URL"),
        ("http://a:x", "is no URL"),
    ],
)
def test_a_base_url_has_to_be_one(base_url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        mount(base_url=base_url)
    assert "secret" not in str(refused.value)


def test_strict_may_be_off() -> None:
    with mount(strict=False) as klarna, client_of(httpx, klarna) as client:
        assert client.put("/orders/1").status_code == 405
        assert client.get("/nothing").status_code == 404


def test_a_router_of_the_tests_own_keeps_its_other_routes(respx_mock: respx.MockRouter) -> None:
    klarna = mount(respx_mock)
    shop = respx_mock.get("https://shop.test/").respond(204)
    order = klarna.order()
    with client_of(httpx, klarna) as client:
        assert client.get(f"/orders/{order.id}").status_code == 200
        assert client.get("https://shop.test/").status_code == 204
        with pytest.raises(respx.models.AllMockedAssertionError, match="not mocked"):
            client.get("https://other.test/")
        with pytest.raises(UnmatchedRequestError, match="the method is DELETE, not GET"):
            client.delete(f"/orders/{order.id}")
    assert shop.called
    klarna.unmount()
    klarna.unmount()
    assert [route.name for route in respx_mock.routes] == [None]


def test_the_router_of_pytest_httpx2(httpx2_mock: respx.MockRouter) -> None:
    with mount(httpx2_mock) as klarna:
        order = klarna.order()
        klarna.orders.get.answers(200, "resets")
        with client_of(httpx2, klarna) as client:
            assert client.get(f"/orders/{order.id}").status_code == 200
            with pytest.raises(httpx2.ReadError):
                client.get(f"/orders/{order.id}")


def test_a_router_without_patches_serves_a_transport() -> None:
    router = respx.Router()
    with mount(router) as klarna:
        order = klarna.order()
        klarna.orders.get.answers(200, "times_out")
        with httpx.Client(transport=httpx.MockTransport(router.handler), auth=klarna.auth) as client:
            target = f"{klarna.base_url}/ordermanagement/v1/orders/{order.id}"
            assert client.get(target).status_code == 200
            with pytest.raises(httpx.ReadTimeout):
                client.get(target)


def test_a_mock_that_is_never_asked_is_fine() -> None:
    with respx.mock() as router, mount(router):
        pass
    with respx.mock() as router:
        mount(router)


def test_what_is_patched_can_be_chosen() -> None:
    with mount(using="httpcore2") as klarna:
        order = klarna.order()
        with client_of(httpx2, klarna) as client:
            assert client.get(f"/orders/{order.id}").status_code == 200
    with pytest.raises(UsageError, match="using='urllib': respx knows httpcore, httpcore2, httpx here"):
        mount(using=["urllib"])
    with pytest.raises(UsageError, match="a router that is given decides for itself"):
        mount(respx.Router(), using="httpx")


def test_credentials_and_simulator() -> None:
    with mount(credentials=("K9_shop", "mine")) as klarna, client_of(httpx, klarna) as client:
        assert klarna.auth == ("K9_shop", "mine")
        assert client.get(f"/orders/{klarna.order().id}").status_code == 200
        assert client.get("/orders/1", auth=("K9_shop", "other")).status_code == 401
    simulator = Simulator(load_contract(), behaviour="observed")
    with mount(simulator=simulator, behaviour="observed") as klarna:
        assert klarna.simulator is simulator
    with pytest.raises(UsageError, match="the simulator that is given behaves as observed"):
        mount(simulator=simulator, behaviour="documented")
    with pytest.raises(UsageError, match="a simulator that is given has merchants of its own"):
        mount(simulator=simulator, credentials=("a", "b"))


def test_the_end_of_a_block_verifies_unless_something_else_went_wrong() -> None:
    with pytest.raises(UnusedAnswerError), mount() as klarna:
        klarna.orders.get.resets()
    with pytest.raises(ZeroDivisionError):
        divide_by_nothing()
    with mount(check_unused=False) as klarna:
        klarna.orders.get.resets()


def test_a_broken_promise_fails_even_when_it_is_swallowed() -> None:
    with pytest.raises(BrokenPromiseError):
        read_carelessly(httpx, "00000000-0000-4000-8000-000000000000")


def test_nothing_stays_patched() -> None:
    pool = type(httpx.HTTPTransport(verify=TRUST)._pool)
    before = pool.handle_request
    with mount():
        assert pool.handle_request is not before
    assert pool.handle_request is before


def test_many_threads_share_a_mock(klarna: KlarnaMock) -> None:
    order = klarna.order(amount=10_000)
    klarna.captures.create.answers(*[503] * 20)
    statuses: list[int] = []

    def capture() -> None:
        for _ in range(10):
            answer = client.post(f"/orders/{order.id}/captures", json={"captured_amount": 1})
            statuses.append(answer.status_code)

    with client_of(httpx, klarna) as client:
        threads = [threading.Thread(target=capture) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(statuses) == [201] * 20 + [503] * 20
    assert order.captured == 20


def test_without_respx_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "conformance.mocks.respx_router", raising=False)
    monkeypatch.setitem(sys.modules, "respx", None)
    with pytest.raises(UsageError, match=r"respx is not installed; install klarna-conformance\[mocks\]"):
        mount()


def test_without_the_plugin_for_httpx2_httpx_is_mocked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytest_httpx2", None)
    with mount() as klarna, client_of(httpx, klarna) as client:
        assert client.get(f"/orders/{klarna.order().id}").status_code == 200
