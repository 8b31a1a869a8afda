from __future__ import annotations

from typing import Any

import pytest

from conformance.simulator.control_error import ControlError
from conformance.simulator.tampering import Tampering
from conformance.simulator.toxic import TOXICS, SpoiltError, Toxic


def test_every_kind_has_an_act_and_a_description() -> None:
    assert set(Tampering._ACTS) == set(TOXICS)
    assert all(kind.does.endswith(".") and kind.id == name for name, kind in TOXICS.items())
    assert {kind.works for kind in TOXICS.values()} == {"yes", "no", "by carried_out"}


def test_defaults_are_within_their_own_bounds() -> None:
    for name, kind in TOXICS.items():
        toxic = Toxic(name)
        assert set(toxic.parameters) == {parameter.name for parameter in kind.parameters}
        assert toxic.described() == {"kind": name}
        assert str(toxic) == name


def test_a_toxic_reads_what_it_describes() -> None:
    given = {"kind": "answer", "status": 409, "headers": {"Retry-After": "1"}, "error_messages": ["å"], "body": None}
    toxic = Toxic.parse(given)
    assert Toxic.parse(toxic.described()) == toxic
    assert hash(Toxic.parse(toxic.described())) == hash(toxic)
    assert toxic["status"] == 409
    assert toxic != Toxic("answer")
    assert str(toxic) == 'answer(status=409, error_messages=["å"], headers={"Retry-After": "1"})'


def test_only_what_does_no_work_can_stand_in_place_of_an_answer() -> None:
    assert str(SpoiltError(Toxic("timeout", {"ms": 5}))) == "timeout(ms=5)"
    for kind in ("late_reply", "answer"):
        with pytest.raises(ControlError, match=f"^{kind}: has work to do"):
            SpoiltError(Toxic(kind))


def test_a_toxic_is_not_changed_by_whoever_made_it() -> None:
    parameters = {"ms": 5}
    toxic = Toxic("latency", parameters)
    parameters["ms"] = 7
    assert toxic["ms"] == 5
    with pytest.raises(TypeError):
        toxic.parameters["ms"] = 9  # type: ignore[index]  # that it cannot be done is what is shown


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("latency", "a toxic is an object"),
        ({"ms": 1}, "a toxic is an object"),
        ({"kind": 7}, "kind: must be text"),
        ({"kind": "slicer"}, "kind: 'slicer' is no toxic"),
        ({"kind": "latency", "ms": -1}, "latency.ms: must be a whole number from 0 to"),
        ({"kind": "latency", "ms": True}, "latency.ms: must be a whole number"),
        ({"kind": "latency", "ms": 60_001}, "latency.ms: must be a whole number"),
        ({"kind": "latency", "ms": None}, "latency.ms: must be a whole number"),
        ({"kind": "latency", "seconds": 1}, "latency.seconds: is no parameter; known are ms"),
        ({"kind": "close_before", "ms": 1}, "close_before.ms: is no parameter; known are none"),
        ({"kind": "wrong_length", "by": 0}, "wrong_length.by: must not be 0"),
        ({"kind": "wrong_length", "by": "1"}, "wrong_length.by: must be a whole number"),
        ({"kind": "cut_body", "reset": 1}, "cut_body.reset: must be true or false"),
        ({"kind": "answer", "status": 600}, "answer.status: must be a whole number"),
        ({"kind": "answer", "body": 1}, "answer.body: must be text"),
        ({"kind": "answer", "body": "x" * (1024 * 1024 + 1)}, "answer.body: must not be longer"),
        ({"kind": "answer", "error_messages": "no"}, "answer.error_messages: must be a list of texts"),
        ({"kind": "answer", "headers": []}, "answer.headers: must be an object of texts"),
        ({"kind": "answer", "headers": {"a b": ""}}, "answer.headers: a name is no header field name"),
        ({"kind": "answer", "headers": {"Content-Length": "1"}}, "answer.headers: Content-Length is decided"),
        ({"kind": "answer", "headers": {"X": "a\r\nb"}}, "answer.headers: the value of X must be text"),
        ({"kind": "redirect", "location": "a\nb"}, "redirect.location: must be text that can stand"),
        ({"kind": "redirect", "location": 1}, "redirect.location: must be text that can stand"),
    ],
)
def test_mistakes_are_named(given: Any, words: str) -> None:
    with pytest.raises(ControlError) as caught:
        Toxic.parse(given)
    assert str(caught.value).startswith(words)
