from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from conformance.exceptions import TargetError, UsageError
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.suites.order_source import HookSource, TokenSource, wanted_order
from conformance.suites.stops import NotMeasuredError

TOKEN = "a/token"


def source(response: Response | None, currency: str = "") -> tuple[TokenSource, list[Request]]:
    sent: list[Request] = []

    def send(request: Request) -> Exchange:
        sent.append(request)
        return Exchange(request, response, "" if response else "silent for 20 s")

    return TokenSource(TOKEN, send, "Basic abc", "/prefix", currency), sent


def test_an_order_is_made_from_a_token() -> None:
    made, sent = source(Response(200, Headers(), b'{"order_id":"f3392f8b-6116-4073-ab96-e330819e2c07"}'), "SEK")
    assert made.create() == "f3392f8b-6116-4073-ab96-e330819e2c07"
    (request,) = sent
    assert request.method == "POST"
    assert request.target == "/prefix/customer-token/v1/tokens/a%2Ftoken/order"
    assert request.headers.get("Authorization") == "Basic abc"
    body = json.loads(request.body)
    assert body["purchase_currency"] == "SEK"
    assert body["order_amount"] == sum(line["total_amount"] for line in body["order_lines"])
    assert body["order_tax_amount"] == sum(line["total_tax_amount"] for line in body["order_lines"])
    assert "auto_capture" not in body


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (None, "silent for 20 s"),
        (Response(503), "503"),
        (Response(200, Headers(), b"<html>"), "no usable order id"),
        (Response(200, Headers(), b"[]"), "no usable order id"),
        (Response(200, Headers(), b'{"order_id":"../x"}'), "no usable order id"),
        (Response(200, Headers(), b'{"order_id":7}'), "no usable order id"),
    ],
)
def test_what_is_no_order_is_not_measured(response: Response | None, reason: str) -> None:
    made, sent = source(response)
    for count in (1, 2):
        with pytest.raises(NotMeasuredError, match=reason) as caught:
            made.create()
        assert len(sent) == count
        assert TOKEN not in str(caught.value)


def test_a_token_that_is_refused_is_asked_once() -> None:
    made, sent = source(Response(403))
    for _ in range(3):
        with pytest.raises(NotMeasuredError, match="answered 403"):
            made.create()
    assert len(sent) == 1


def hook(tmp_path: Path, script: str) -> str:
    path = tmp_path / "hook.py"
    path.write_text(script)
    return f"'{sys.executable}' '{path}'"


def test_a_hook_gets_the_wish_and_prints_an_id(tmp_path: Path) -> None:
    script = "import json, sys\nwish = json.load(sys.stdin)\nprint('made')\nprint(f\"id-{wish['order_amount']}\")\n"
    assert HookSource(hook(tmp_path, script)).create() == f"id-{wanted_order()['order_amount']}"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise SystemExit(3)", "ended with 3"),
        ("pass", "no usable order id"),
        ("print('no/id')", "no usable order id"),
        ("import time; time.sleep(60)", "no order within"),
    ],
)
def test_a_hook_that_fails_is_not_measured(tmp_path: Path, script: str, reason: str) -> None:
    with pytest.raises(NotMeasuredError, match=reason):
        HookSource(hook(tmp_path, script), seconds=1.0 if "sleep" in script else 30.0).create()


def test_a_hook_that_is_not_there_ends_the_run() -> None:
    with pytest.raises(TargetError, match="No such file"):
        HookSource("/no/such/hook").create()


@pytest.mark.parametrize("command", ["", "  ", "make 'order"])
def test_a_hook_has_to_be_a_command(command: str) -> None:
    with pytest.raises(UsageError, match="--order-hook"):
        HookSource(command)
