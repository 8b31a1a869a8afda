from __future__ import annotations

import asyncio
import dataclasses
import os
import random
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from conformance.clients import process_adapter
from conformance.clients.adapter import AdapterError
from conformance.clients.call import Call, Outcome, Oversized, Returned
from conformance.clients.process_adapter import ProcessAdapter, command_of
from conformance.exceptions import UsageError

HELLO = r'{"type":"hello","protocol":1,"name":"n","operations":["getOrder"]}'

# Answers every call with its own id, in the manner that the given statements add.
ECHO = """
import json, os, sys, time, subprocess
def say(message): print(json.dumps(message), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "hello":
        say({"type": "hello", "protocol": 1, "name": "n", "operations": ["getOrder"]})
    elif message["type"] == "bye":
        break
    else:
        number = message["id"]
        result = {"type": "result", "id": number, "outcome": "returned", "value": number}
        %s
        say(result)
"""


def call(number: str, timeout_s: float = 0.05) -> Call:
    return Call(
        number, "s", "http://127.0.0.1:1", "u", "hidden-password", "getOrder", {"order_id": "o"}, None, None, timeout_s
    )


def python(statements: str = "pass") -> list[str]:
    return [sys.executable, "-S", "-c", ECHO % statements]


async def asked(adapter: ProcessAdapter, *numbers: str) -> list[Outcome | BaseException]:
    return await asyncio.gather(*(adapter.call(call(number)) for number in numbers), return_exceptions=True)


def run(adapter: ProcessAdapter, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    async def all_of_it() -> Any:
        try:
            return await work()
        finally:
            await adapter.close()

    return asyncio.run(all_of_it())


def test_calls_are_answered_whatever_the_order() -> None:
    # Every second answer is held back until the next call has come.
    late = (
        "late = globals().setdefault('late', []); late.append(result)\n"
        "        if len(late) < 3: continue\n"
        "        for one in late[::-1][:-1]: say(one)\n"
        "        result = late[0]; late.clear()"
    )
    adapter = ProcessAdapter(python(late))
    assert run(adapter, lambda: asked(adapter, "a", "b", "c")) == [Returned("a"), Returned("b"), Returned("c")]
    assert adapter.starts == 1


def test_the_process_leaves_when_told() -> None:
    adapter = ProcessAdapter(python())

    async def work() -> bool:
        await adapter.start()
        return await adapter.leave()

    assert run(adapter, work) is True


def test_a_process_that_will_not_leave_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_adapter, "LEAVE_S", 0.2)
    adapter = ProcessAdapter(["sh", "-c", f"trap '' TERM; echo '{HELLO}'; while :; do sleep 60; done"])

    async def work() -> tuple[int, bool]:
        await adapter.start()
        assert adapter.process_id is not None
        return adapter.process_id, await adapter.leave()

    process_id, left = run(adapter, work)
    assert not left
    assert not lives(process_id)


def lives(process_id: int) -> bool:
    for _ in range(50):
        try:
            state = Path(f"/proc/{process_id}/stat").read_text("ascii").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True


def test_children_do_not_outlive_the_run(tmp_path: Path) -> None:
    note = tmp_path / "child"
    adapter = ProcessAdapter(["sh", "-c", f"sleep 300 & echo $! > {note}; echo '{HELLO}'; read x; read y; kill -9 $$"])
    outcome = run(adapter, lambda: asked(adapter, "a"))
    assert isinstance(outcome[0], AdapterError)
    assert not lives(int(note.read_text("ascii")))


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ("os._exit(3)", "ended with exit status 3"),
        ("os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
        ("os.close(1); time.sleep(9)", "closed its output"),
        ("print('TypeError: x', flush=True); continue", "wrote a line that is no JSON: 'TypeError: x'"),
        ("result['id'] = 'other'", "answered a call that does not wait for an answer: 'other'"),
        ("say(result)", "answered a call that does not wait for an answer"),
        ("say({'type':'hello','protocol':1,'name':'n','operations':[]}); continue", "said hello twice"),
        ("result['outcome'] = 'great'", "wrote a line that outcome"),
        ("time.sleep(9)", "was silent"),
    ],
)
def test_a_broken_process_is_an_error_and_the_next_call_gets_a_new_one(statements: str, reason: str) -> None:
    broken = f"if number == 'bad':\n            {statements}"
    # Short only where silence is what is looked for: a busy machine is silent now and then.
    adapter = ProcessAdapter(python(broken), patience_s=2 if reason == "was silent" else 60)

    async def work() -> tuple[list[Outcome | BaseException], list[Outcome | BaseException]]:
        bad = await asked(adapter, "bad")
        if reason.startswith("answered a call that does not wait") and isinstance(bad[0], Returned):
            # The second answer comes after the first was good.
            await asyncio.sleep(0.2)
        return bad, await asked(adapter, "good")

    bad, good = run(adapter, work)
    if isinstance(bad[0], AdapterError):
        assert reason in str(bad[0])
        assert bad[0].alone
    else:
        assert "say(result)" in statements
    assert good == [Returned("good")]
    assert adapter.starts == 2


def test_of_several_calls_none_is_certainly_to_blame() -> None:
    adapter = ProcessAdapter(python("if number == 'bad': os._exit(1)\n        continue"))
    outcomes = run(adapter, lambda: asked(adapter, "a", "bad", "b"))
    assert [isinstance(outcome, AdapterError) and not outcome.alone for outcome in outcomes] == [True] * 3


def test_a_flood_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_adapter, "LONGEST_LINE", 100_000)
    adapter = ProcessAdapter(python("while True: sys.stdout.write('x' * 65536)"))
    outcome = run(adapter, lambda: asked(adapter, "a"))
    assert "without an end of line" in str(outcome[0])


def test_last_words_are_kept_short_and_without_secrets() -> None:
    adapter = ProcessAdapter(
        python(
            "sys.stderr.write('y' * 100000 + ' at hidden-password Authorization: Basic YWJjOmRlZg== boom')\n"
            "        os._exit(1)"
        )
    )
    text = str(run(adapter, lambda: asked(adapter, "a"))[0])
    assert text.endswith("boom")
    assert "hidden-password" not in text
    assert "YWJjOmRlZg" not in text
    assert len(text) < 1_000


@pytest.mark.parametrize("program", [["/nonexistent/adapter"], [os.devnull]])
def test_a_command_that_cannot_be_started_is_a_mistake_of_the_user(program: list[str]) -> None:
    adapter = ProcessAdapter(program)
    with pytest.raises(UsageError, match="cannot be started"):
        run(adapter, adapter.start)


@pytest.mark.parametrize(
    ("script", "reason"),
    [("sleep 9", "said no hello within"), ("echo nonsense; sleep 9", "is no JSON"), ("exit 4", "exit status 4")],
)
def test_a_process_that_does_not_greet_is_an_error(script: str, reason: str) -> None:
    adapter = ProcessAdapter(["sh", "-c", script], start_s=0.5)
    with pytest.raises(AdapterError, match=reason):
        run(adapter, adapter.start)


@pytest.mark.parametrize("text", ["", "   ", "node 'adapter"])
def test_a_command_line_must_name_a_command(text: str) -> None:
    with pytest.raises(UsageError):
        command_of(text)


def test_a_command_line_is_split_as_a_shell_would() -> None:
    assert command_of("node 'my adapter.mjs' --x") == ("node", "my adapter.mjs", "--x")


def hangs_in(operation: str, hello: str = "") -> list[str]:
    """An adapter that makes one call at a time, and for which one call never ends."""
    return [
        sys.executable,
        "-S",
        "-c",
        (ECHO % f"if message['operation'] == {operation!r}: time.sleep(99)").replace(
            '["getOrder"]', f'["getOrder"]{hello}'
        ),
    ]


@pytest.mark.parametrize("hello", ["", ', "features": {"concurrency": 1}'])
def test_a_process_that_is_stuck_in_one_call_is_replaced_and_the_others_are_told(
    hello: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_adapter, "PROBE_S", 0.3)
    adapter = ProcessAdapter(hangs_in("captureOrder", hello))

    async def work() -> tuple[Outcome | BaseException, list[Outcome | BaseException]]:
        stuck = dataclasses.replace(call("stuck"), operation="captureOrder")
        await adapter.start()
        waiting = [asyncio.ensure_future(adapter.call(one)) for one in (stuck, call("queued"))]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await adapter.abandon(stuck)
        (queued,) = await asyncio.gather(waiting[1], return_exceptions=True)
        return queued, await asked(adapter, "next")

    queued, after = run(adapter, work)
    assert isinstance(queued, AdapterError)
    assert queued.innocent
    assert not queued.alone
    assert "does nothing else while captureOrder does not come back" in str(queued)
    assert after == [Returned("next")]
    assert adapter.starts == 2


def test_a_process_that_goes_on_keeps_its_other_calls_and_may_answer_late() -> None:
    held = (
        "held = globals().setdefault('held', [])\n        if number == 'stuck': held.append(result); continue\n        "
    )
    adapter = ProcessAdapter(python(held + "if number == 'free': say(held.pop())"))

    async def work() -> list[Outcome | BaseException]:
        await adapter.start()
        waiting = asyncio.ensure_future(adapter.call(call("stuck")))
        await asyncio.sleep(0)
        waiting.cancel()
        await adapter.abandon(call("stuck"))
        return await asked(adapter, "other", "free", "last")

    assert run(adapter, work) == [Returned("other"), Returned("free"), Returned("last")]
    assert adapter.starts == 1


def test_a_process_that_ends_while_it_is_asked_for_a_sign_of_life_is_gone() -> None:
    adapter = ProcessAdapter(python("os._exit(5)"))

    async def work() -> list[Outcome | BaseException]:
        await adapter.start()
        await adapter.abandon(call("stuck"))
        await adapter.abandon(call("stuck"))
        return await asked(adapter, "a")

    (outcome,) = run(adapter, work)
    assert "exit status 5" in str(outcome)


def test_nothing_is_abandoned_where_nothing_runs() -> None:
    adapter = ProcessAdapter(python())
    run(adapter, lambda: adapter.abandon(call("a")))
    assert adapter.starts == 0


@pytest.mark.parametrize(
    ("statements", "size"),
    [
        ("result['value'] = 'x' * 9_000_000", 9_000_000),
        ("result = {'outcome': 'returned', 'value': 'x' * 9_000_000, 'type': 'result', 'id': number}", 9_000_000),
        (
            "print(json.dumps(result | {'value': 'x' * 5_000_000}).replace('/', '\\\\/'), flush=True); continue",
            5_000_000,
        ),
    ],
)
def test_a_result_that_is_too_long_is_known_by_its_size_alone(statements: str, size: int) -> None:
    adapter = ProcessAdapter(python(f"if number == 'big/1':\n            {statements}"))
    big, after = run(adapter, lambda: asked(adapter, "big/1", "small"))
    assert isinstance(big, Oversized)
    assert size < big.size < size + 200
    assert after == Returned("small")
    assert adapter.starts == 1


def test_a_line_that_is_too_long_and_names_no_call_is_nonsense() -> None:
    adapter = ProcessAdapter(python("print('x' * 9_000_000, flush=True); continue"), patience_s=60)
    (outcome,) = run(adapter, lambda: asked(adapter, "a"))
    assert "bytes that does not tell, at either end, which call it answers" in str(outcome)


ENDINGS = ("exit 0", "read y; exit 7", "while read y; do :; done", "kill -9 $$", "exec 1>&-; read y; read z")


def nonsense(chance: random.Random) -> str:
    """One line, or what stands for one, of an adapter that lies in some way."""
    pieces = [
        "{}", "[]", "null", "true", "0", '"x"', "{", "}", "\\000", "\\377\\376", " ", "\\r", "\\033[31m",
        HELLO, HELLO[:-1], HELLO.replace("1", "2"), HELLO * 2, HELLO.replace("hello", "Hello"),
        '{"type":"result","id":"a","outcome":"returned"}', '{"type":"result","id":"a","outcome":"returned"',
        '{"type":"result","id":"a","outcome":"raised"}', '{"type":"result","id":7,"outcome":"unsupported"}',
        '{"type":"result","id":"a","outcome":"could_not_try","why":[]}', '{"type":"result"}',
        '{"type":"result","id":"z","outcome":"unsupported"}', '{"type":"bye"}', '{"type":null,"outcome":{}}',
        '{"type":"result","id":"a","outcome":"returned","value":' + "[" * 500 + "}",
        '{"type":"result","id":"a","outcome":"raised","error":{"kind":"E","status":"x"}}', "x" * 5_000,
    ]  # fmt: skip
    return "".join(
        chance.choice(pieces) + chance.choice(["\\n", "\\n", "\\n", ""]) for _ in range(chance.randint(1, 4))
    )


def test_whatever_an_adapter_says_every_call_gets_a_verdict() -> None:
    chance = random.Random(20260101)  # noqa: S311 - repeats, and protects nothing
    places = asyncio.Semaphore(12)

    async def variant(number: int) -> tuple[int, bool]:
        greeting = f"printf '%b\\n' '{HELLO}'; " if number % 4 else ""
        ending = ("exit 0", "read y; exit 7", "while read y; do :; done", "kill -9 $$", "exec 1>&-; read y; read z")[
            number % 5
        ]
        script = f"read x; {greeting}printf '%b' '{nonsense(chance)}'; {ending}"
        adapter = ProcessAdapter(["sh", "-c", script], patience_s=0.3, start_s=0.6)
        async with places:
            try:
                outcomes = await asyncio.wait_for(asked(adapter, "a", "b", "c"), 20)
                process_id = adapter.process_id
            finally:
                await adapter.close()
        # Each call ends in what the client did or in an error of the adapter, and in nothing else.
        fair = [not isinstance(outcome, BaseException) or isinstance(outcome, AdapterError) for outcome in outcomes]
        return len(fair), all(fair) and (process_id is None or not lives(process_id))

    async def every() -> list[tuple[int, bool]]:
        return await asyncio.gather(*(variant(number) for number in range(200)))

    assert asyncio.run(every()) == [(3, True)] * 200
