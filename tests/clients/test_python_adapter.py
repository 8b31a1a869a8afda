from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.clients.adapter import AdapterError
from conformance.clients.call import Call, CouldNotTry, NeverReturned, Outcome, Raised, Returned, Unsupported
from conformance.clients.python_adapter import PythonAdapter, as_json, load_object, method_name, raised_by
from conformance.contract.contract import Contract
from conformance.exceptions import UsageError


def call(operation: str = "getOrder", *, key: str | None = None, session: str = "s", **path: str) -> Call:
    path = path or {"order_id": "o1"}
    body = {"captured_amount": 1} if operation == "captureOrder" else None
    return Call("1", session, "http://x", "user", "pass-word", operation, path, body, key, 0.2)


def ask(made: Any, contract: Contract, *calls: Call, patience_s: float = 5.0) -> list[Outcome]:
    async def work() -> list[Outcome]:
        adapter = PythonAdapter(made, contract.operations, patience_s=patience_s)
        await adapter.start()
        try:
            return [await adapter.call(one) for one in calls]
        finally:
            await adapter.close()

    return asyncio.run(work())


class Shop:
    """Takes notes of how it is made and called."""

    notes: list[Any]

    def __init__(self, base_url: str, username: str, password: str, timeout_s: float) -> None:
        self.made = (base_url, username, password, timeout_s)
        self.threads: set[int] = set()
        self.closed = False

    def get_order(self, order_id: str) -> Any:
        self.threads.add(threading.get_ident())
        return {"order_id": order_id, "made": self.made, "threads": len(self.threads), "id": id(self)}

    def capture_order(
        self, order_id: str, body: Any, *, idempotency_key: str | None = None, timeout_s: float = 0
    ) -> Any:
        return [order_id, body, idempotency_key, timeout_s]

    def get_capture(self, order_id: str, capture_id: str) -> str:
        return f"{order_id}/{capture_id}"

    def get_refund(self, order_id: str, refund_id: str) -> str:
        return f"refund {order_id}/{refund_id}"

    def cancel_order(self, order_id: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise RuntimeError("whatever")


def test_methods_are_called_by_their_names_in_python(contract: Contract) -> None:
    outcomes = ask(
        Shop,
        contract,
        call("captureOrder", key="k"),
        call("getCapture", order_id="o", capture_id="c"),
        call("get", order_id="o", refund_id="r"),
        call("cancelOrder"),
        call("acknowledgeOrder"),
        call("getOrder"),
    )
    assert outcomes[:5] == [
        Returned(["o1", {"captured_amount": 1}, "k", 0.2]),
        Returned("o/c"),
        Returned("refund o/r"),
        Unsupported(),
        Unsupported(),
    ]
    assert isinstance(outcomes[5], Returned)
    assert outcomes[5].value["made"] == ["http://x", "user", "pass-word", 0.2]


def test_a_session_is_one_object_on_one_thread(contract: Contract) -> None:
    one, same, other = ask(Shop, contract, call(), call(), call(session="t"))
    assert isinstance(one, Returned)
    assert one == same != other
    assert one.value["threads"] == 1


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("getOptionsForExtendDueDate", "get_options_for_extend_due_date"),
        ("get", "get_refund"),
        ("getOrder", "get_order"),
    ],
)
def test_names_are_those_of_python(operation: str, name: str) -> None:
    assert method_name(operation) == name


def test_a_method_without_a_key_cannot_be_tried_with_one(contract: Contract) -> None:
    (outcome,) = ask(Shop, contract, call("cancelOrder", key="k"))
    assert outcome == CouldNotTry("cancel_order takes no idempotency key")


def test_async_clients_run_on_the_loop(contract: Contract) -> None:
    class Async:
        def __init__(self, **given: Any) -> None:
            self.loop = asyncio.get_running_loop()

        async def get_order(self, order_id: str) -> Any:
            await asyncio.sleep(0)
            return {"here": asyncio.get_running_loop() is self.loop}

        async def aclose(self) -> None:
            return None

    async def factory(base_url: str, username: str, password: str, timeout_s: float) -> Any:
        return Async()

    assert ask(Async, contract, call()) == [Returned({"here": True})]
    assert ask(factory, contract, call()) == [Returned({"here": True})]


def test_a_callable_may_speak_the_protocol(contract: Contract) -> None:
    def run(message: Any) -> Any:
        assert message["type"] == "run"
        return {"outcome": "returned", "value": message["operation"]}

    assert ask(run, contract, call()) == [Returned("getOrder")]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"outcome": "great"}, "no result of the protocol"),
        (None, "no result of the protocol"),
        (ValueError("pass-word"), "raised ValueError: ..."),
    ],
)
def test_a_callable_that_does_not_is_an_error(answer: Any, reason: str, contract: Contract) -> None:
    def run(message: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(AdapterError, match=reason.replace("...", r"\*\*\*")):
        ask(run, contract, call())


def raising(error: BaseException) -> Any:
    class Raises(Shop):
        def get_order(self, order_id: str) -> Any:
            raise error

    return Raises


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("x"), "ValueError"),
        (SystemExit(1), "unexpected"),
        (KeyboardInterrupt(), "unexpected"),
        (StopIteration(), "RuntimeError"),
    ],
)
def test_whatever_is_raised_is_what_the_user_sees(error: BaseException, kind: str, contract: Contract) -> None:
    (outcome,) = ask(raising(error), contract, call())
    assert isinstance(outcome, Raised)
    assert outcome.kind == kind


def test_a_constructor_that_fails_is_seen_too(contract: Contract) -> None:
    def factory(base_url: str) -> Any:
        raise ConnectionError("no")

    assert ask(factory, contract, call()) == [Raised("ConnectionError", text="no")]


def test_a_client_that_hangs_is_left_behind(contract: Contract) -> None:
    class Hangs(Shop):
        def get_order(self, order_id: str) -> Any:
            time.sleep(0.8)

    (outcome,) = ask(Hangs, contract, call(), patience_s=0.1)
    assert isinstance(outcome, NeverReturned)


def test_a_callable_that_hangs_is_an_adapter_that_does(contract: Contract) -> None:
    def hangs(_call: dict[str, Any]) -> None:
        time.sleep(0.8)

    with pytest.raises(AdapterError, match="did not come back from getOrder within"):
        ask(hangs, contract, call(), patience_s=0.1)


def error(**fields: Any) -> Exception:
    made = RuntimeError("words")
    made.__dict__.update(fields)
    return made


SAID = {"error_code": "X", "error_messages": ["m"], "correlation_id": "c"}


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (error(), Raised("RuntimeError", text="words")),
        (
            error(status=403, error_code="X", error_messages=("m", 1), correlation_id="c"),
            Raised("RuntimeError", 403, "X", ("m",), "c", "words"),
        ),
        (error(status_code=404, messages="one"), Raised("RuntimeError", 404, None, ("one",), None, "words")),
        (
            error(response=SimpleNamespace(status_code=403, json=lambda: dict(SAID))),
            Raised("RuntimeError", 403, "X", ("m",), "c", "words"),
        ),
        (
            error(response=SimpleNamespace(status=403, json=lambda: {"error_message": "m"})),
            Raised("RuntimeError", 403, None, ("m",), None, "words"),
        ),
        (error(response=SimpleNamespace(json=lambda: 1 / 0)), Raised("RuntimeError", text="words")),
        (error(status=True, error_code=7, error_messages=3), Raised("RuntimeError", text="words")),
    ],
)  # fmt: skip
def test_what_a_catcher_can_get_at_is_read(raised: Exception, seen: Raised) -> None:
    assert raised_by(raised) == seen


def test_an_error_that_cannot_be_printed_says_nothing() -> None:
    class Mute(Exception):  # noqa: N818 - a client may name it so
        def __str__(self) -> str:
            raise ValueError

    assert raised_by(Mute()) == Raised("Mute")


@dataclasses.dataclass
class Money:
    amount: int
    inner: Any = None


class Model:
    def model_dump(self, *, by_alias: bool) -> Any:
        return {"alias": by_alias}


class Odd:
    def to_dict(self, more: int) -> Any:
        return more

    def __init__(self) -> None:
        self.seen = 1
        self._hidden = 2


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (Money(0, (Money(1),)), {"amount": 0, "inner": [{"amount": 1, "inner": None}]}),
        (Model(), {"alias": True}),
        (Odd(), {"seen": 1}),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        ({1: {2.5}}, {"1": [2.5]}),
        (object, str(object)),
        (3 + 4j, "(3+4j)"),
    ],
)
def test_values_become_json(value: Any, data: Any) -> None:
    assert as_json(value) == data


def test_a_value_that_holds_itself_ends() -> None:
    value: list[Any] = []
    value.append(value)
    assert as_json(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("json", "must read MODULE:OBJECT"),
        (":x", "must read MODULE:OBJECT"),
        ("no.such.module:x", "cannot be imported"),
        ("json:nothing", "json has no nothing"),
        ("json:decoder.nothing", "json has no decoder.nothing"),
    ],
)
def test_an_object_that_is_not_there_is_a_mistake_of_the_user(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        load_object(text)


def test_an_object_is_found() -> None:
    assert load_object("json:decoder.JSONDecoder").__name__ == "JSONDecoder"


def test_what_cannot_be_called_is_refused(contract: Contract) -> None:
    with pytest.raises(UsageError, match="neither a factory nor a callable"):
        PythonAdapter(7, contract.operations)


def test_a_client_may_introduce_itself(contract: Contract) -> None:
    class Named(Shop):
        hello = {"name": "shop", "version": 3, "features": {"idempotency_key": False}}  # noqa: RUF012 - as users write it

    async def work() -> Any:
        return await PythonAdapter(Named, contract.operations).start()

    hello = asyncio.run(work())
    assert (hello.name, hello.version, hello.has("idempotency_key")) == ("shop", "3", False)
    assert len(hello.operations) == 18
