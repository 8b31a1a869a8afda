from __future__ import annotations

import base64
import json
import subprocess
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.simulator.control_error import ControlError
from conformance.simulator.script import Script, Scripts
from conformance.simulator.toxic import TOXICS, Toxic

TOXIC = st.sampled_from(sorted(TOXICS)).map(Toxic) | st.builds(
    lambda status, body, header: Toxic("answer", {"status": status, "body": body, "headers": {"X-A": header}}),
    st.integers(200, 599),
    st.none() | st.text(st.characters(codec="utf-8"), max_size=50),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)


def anything(_toxic: Toxic) -> bool:
    return True


@given(st.lists(st.none() | TOXIC, max_size=5).map(tuple), st.text(st.characters(codec="utf-8"), max_size=30))
def test_a_token_brings_a_script_back(toxics: tuple[Toxic | None, ...], name: str) -> None:
    script = Script(toxics, name)
    token = script.token()
    assert Script.from_token(token) == script
    assert Script.from_token(token).token() == token
    assert not set(token) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-%~")


@given(st.integers(-(2**63), 2**64), st.text(st.characters(codec="utf-8"), max_size=30))
def test_a_drawn_script_depends_on_seed_and_case_alone(seed: int, case_id: str) -> None:
    script = Script.drawn(seed, case_id)
    assert script == Script.drawn(seed, case_id)
    assert Script.from_token(script.token()) == script
    assert 1 <= len(script.toxics) <= 3


def test_seeds_and_cases_give_scripts_of_all_kinds() -> None:
    drawn = {Script.drawn(seed, f"case/{number}") for seed in range(20) for number in range(20)}
    kinds = {toxic.kind for script in drawn for toxic in script.toxics if toxic is not None}
    assert len(drawn) > 300
    assert len(kinds) == 18
    assert Script.drawn(1, "a") != Script.drawn(2, "a") or Script.drawn(1, "b") != Script.drawn(2, "b")


def test_a_script_is_drawn_alike_in_every_process() -> None:
    code = "from conformance.simulator.script import Script; print(Script.drawn(7, 'captureOrder/å'))"
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": ":".join(sys.path)},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert told == {str(Script.drawn(7, "captureOrder/å"))}


def test_a_script_reads_as_a_sentence() -> None:
    assert (
        str(Script((Toxic("latency", {"ms": 7}), None, Toxic("close_after"))))
        == "latency(ms=7); good; close_after; good"
    )


def spelled(value: Any) -> str:
    return "t1." + base64.urlsafe_b64encode(zlib.compress(json.dumps(value).encode())).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "t1",
        "t1.",
        "t1.!!!!",
        "t1.AAAA",
        "t1.å",
        "t2.abc",
        "s1.",
        "s1.x.case",
        "s1.--1.case",
        "s1." + "9" * 41 + ".case",
        "t1." + "A" * (256 * 1024),
        spelled({}),
        spelled(["name"]),
        spelled([1, []]),
        spelled(["name", {}]),
        spelled(["name", [{"kind": "slicer"}]]),
        spelled(["name", [None] * 101]),
        "t1." + base64.urlsafe_b64encode(zlib.compress(b" " * (5 * 1024 * 1024))).decode(),
        "t1." + base64.urlsafe_b64encode(zlib.compress(b'["a",[]]')[:-4]).decode(),
        "t1." + base64.urlsafe_b64encode(zlib.compress(b"[" * 100_000)).decode(),
    ],
    ids=lambda token: token[:12],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ControlError):
        Script.from_token(token)


def test_a_script_is_a_list() -> None:
    with pytest.raises(ControlError, match="toxics: must be a list"):
        Script.parse({"kind": "latency"})
    assert Script.parse([None, {"kind": "latency"}]).toxics == (None, Toxic("latency"))


def test_attempts_are_counted_for_each_operation_and_end_well() -> None:
    scripts = Scripts()
    assert not scripts
    scripts.put("one", Script((Toxic("close_before"), None, Toxic("close_after"))))
    assert scripts
    assert "one" in scripts
    kinds = [scripts.take("one", "captureOrder", anything) for _ in range(5)]
    assert [toxic.kind if toxic else None for toxic, _ in kinds] == ["close_before", None, "close_after", None, None]
    assert [number for _, number in kinds] == [1, 2, 3, 4, 5]
    assert scripts.take("one", "getOrder", anything) == (Toxic("close_before"), 1)
    assert scripts.take("two", "getOrder", anything) == (None, 0)


def test_a_script_for_one_operation_goes_before_one_for_all() -> None:
    scripts = Scripts()
    scripts.put("one", Script((Toxic("timeout"),)))
    scripts.put("one", Script((Toxic("gzip"),)), "getOrder")
    assert scripts.take("one", "getOrder", anything) == (Toxic("gzip"), 1)
    assert scripts.take("one", "cancelOrder", anything) == (Toxic("timeout"), 1)
    scripts.put("one", Script((Toxic("drip"),)), "getOrder")
    assert scripts.take("one", "getOrder", anything) == (Toxic("drip"), 1)
    assert scripts.take("one", "cancelOrder", anything) == (None, 2)
    scripts.clear()
    assert "one" not in scripts


def test_a_toxic_that_is_not_admitted_waits() -> None:
    scripts = Scripts()
    scripts.put("one", Script((Toxic("drip"),)))
    assert scripts.take("one", "getOrder", lambda toxic: toxic.kind == "challenge") == (None, 0)
    assert scripts.take("one", "getOrder", anything) == (Toxic("drip"), 1)


def test_old_scripts_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.simulator.script._MOST_SCRIPTS", 2)
    scripts = Scripts()
    for name in ("one", "two", "one", "three"):
        scripts.put(name, Script((None,)))
    assert [name in scripts for name in ("one", "two", "three")] == [True, False, True]


def test_an_order_has_an_id() -> None:
    with pytest.raises(ControlError, match="order_id"):
        Scripts().put("", Script(()))
