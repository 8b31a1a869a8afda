from __future__ import annotations

import pytest

from conformance.exchange import Headers, Request
from conformance.recordings.difference import ABSENT, differences

ORDER = "/ordermanagement/v1/orders/1"


def told(recorded: Request, sent: Request) -> list[tuple[str, str, str]]:
    return [(each.field, each.recorded, each.sent) for each in differences(recorded, sent)]


@pytest.mark.parametrize(
    ("recorded", "sent", "wanted"),
    [
        (("GET", ORDER, b""), ("get", ORDER, b""), []),
        (("GET", ORDER, b""), ("POST", ORDER, b""), [("method", "GET", "POST")]),
        (("GET", ORDER, b""), ("GET", f"http://h/prefix{ORDER}", b""), []),
        (("GET", ORDER, b""), ("GET", f"{ORDER}/captures", b""), [("path segment 5", ABSENT, "captures")]),
        (("GET", ORDER, b""), ("GET", f"{ORDER[:-1]}2", b""), [("path segment 4", "1", "2")]),
        (
            ("GET", f"{ORDER}?a=1&a=2", b""),
            ("GET", f"{ORDER}?b=", b""),
            [("query a", "1,2", ABSENT), ("query b", ABSENT, "")],
        ),
        (("POST", ORDER, b'{"a":1,"b":2}'), ("POST", ORDER, b'{ "b": 2, "a": 1 }'), []),
        (("POST", ORDER, b'{"a":1}'), ("POST", ORDER, b'{"a":"1"}'), [("body.a", "1", '"1"')]),
        (("POST", ORDER, b'{"a":1}'), ("POST", ORDER, b'{"a":true}'), [("body.a", "1", "true")]),
        (("POST", ORDER, b'{"a":1}'), ("POST", ORDER, b'{"b":1}'), [("body.a", "1", ABSENT), ("body.b", ABSENT, "1")]),
        (
            ("POST", ORDER, b'{"l":[{"n":1},2]}'),
            ("POST", ORDER, b'{"l":[{"n":3}]}'),
            [("body.l[0].n", "1", "3"), ("length of body.l", "2", "1")],
        ),
        (("POST", ORDER, b"{}"), ("POST", ORDER, b""), [("body", "{}", ABSENT)]),
        (("POST", ORDER, b""), ("POST", ORDER, b"{}"), [("body", ABSENT, "{}")]),
        (("POST", ORDER, b"a=1"), ("POST", ORDER, b"a=2"), [("body", '"a=1"', '"a=2"')]),
    ],
)
def test_each_field_is_named(
    recorded: tuple[str, str, bytes], sent: tuple[str, str, bytes], wanted: list[tuple[str, str, str]]
) -> None:
    def request(parts: tuple[str, str, bytes]) -> Request:
        return Request(parts[0], parts[1], Headers(), parts[2])

    assert told(request(recorded), request(sent)) == wanted


def test_an_account_is_bounded() -> None:
    many = b"{" + b",".join(b'"f%d":1' % number for number in range(100)) + b"}"
    assert len(differences(Request("POST", ORDER, Headers(), many), Request("POST", ORDER, Headers(), b"{}"))) == 20
    long = b'"' + b"x" * 5000 + b'"'
    found = differences(Request("POST", ORDER, Headers(), long), Request("POST", ORDER, Headers(), b'"y"'))
    assert len(found[0].recorded) == 120
    assert found[0].told() == f"body was {found[0].recorded}, sent " + '"y"'
    assert found[0].described()["field"] == "body"
    deep = b"[" * 100 + b"1" + b"]" * 100
    other = deep.replace(b"1", b"2")
    assert len(differences(Request("POST", ORDER, Headers(), deep), Request("POST", ORDER, Headers(), other))) == 1
