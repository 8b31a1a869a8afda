from __future__ import annotations

import sys
from typing import Any

import pytest

from conformance.clients import process_adapter
from conformance.clients.smoke import SmokeCheck, smoke
from conformance.exceptions import UsageError

GOOD = """
import json, sys, urllib.request, base64, urllib.error
def say(message): print(json.dumps(message), flush=True)
def get(m):
    pair = base64.b64encode(f"{m['username']}:{m['password']}".encode()).decode()
    url = f"{m['base_url']}/ordermanagement/v1/orders/{m['path']['order_id']}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": "Basic " + pair})) as answer:
            return {"outcome": "returned", "value": json.load(answer)}
    except urllib.error.HTTPError as error:
        return {"outcome": "raised", "error": {"kind": "HTTPError", "status": error.code}}
for line in sys.stdin:
    m = json.loads(line)
    if m["type"] == "hello":
        say({"type": "hello", "protocol": 1, "name": "n", "version": "1", "operations": ["getOrder"]})
    elif m["type"] == "bye":
        break
    else:
        seen = get(m) if m["operation"] == "getOrder" else {"outcome": "unsupported"}
        say({"type": "result", "id": m["id"], **seen})
"""

UNKNOWN = "answers unsupported to an unknown operation"
READS = "makes a call and hands over what the client returned"
MANY = "keeps many calls apart"


def checked(*changes: tuple[str, str]) -> dict[str, SmokeCheck]:
    code = GOOD
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    return {check.name: check for check in smoke((sys.executable, "-c", code), patience_s=1)}


def test_a_good_adapter_passes_every_check() -> None:
    checks = checked()
    assert [check for check in checks.values() if not check.passed] == []
    assert checks["says hello"].why == "n 1"
    assert checks["hands over a failure of the client"].why.endswith("raised HTTPError, status 404")
    assert len(checks) == 8


@pytest.mark.parametrize(
    ("old", "new", "name", "why"),
    [
        ('"protocol": 1', '"protocol": 2', "says hello", "protocol"),
        ('["getOrder"]', '["getOrder", "fetch"]', "names operations of the API only", "fetch: no operationId"),
        ('["getOrder"]', "[]", "names operations of the API only", "names no operation"),
        ('{"outcome": "unsupported"}', '{"outcome": "returned"}', UNKNOWN, "returned None"),
        ('{"outcome": "unsupported"}', "1 / 0", UNKNOWN, "ZeroDivisionError"),
        ("json.load(answer)", "None", READS, "no order"),
        ('"Basic " + pair', '"Basic x"', READS, "raised HTTPError"),
        ("json.load(answer)", "{'id': globals().setdefault('kept', m['path']['order_id'])}", MANY, "given to another"),
    ],
)  # fmt: skip
def test_a_wrong_adapter_fails_the_check_that_names_it(old: str, new: str, name: str, why: str) -> None:
    check = checked((old, new))[name]
    assert not check.passed
    assert why in check.why


def test_an_adapter_that_stays_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_adapter, "LEAVE_S", 0.3)
    check = checked(("        break", "        import time; time.sleep(60)"))["ends when it is told goodbye"]
    assert check == SmokeCheck("ends when it is told goodbye", passed=False, why="it had to be killed")


def test_an_adapter_without_reads_is_judged_by_the_rest() -> None:
    checks = checked(('["getOrder"]', '["cancelOrder"]'))
    assert all(check.passed for check in checks.values())
    assert checks["keeps many calls apart"].why == "not tried: it has no getOrder"


def test_a_command_that_is_not_there_is_a_mistake_of_the_user() -> None:
    with pytest.raises(UsageError):
        smoke(("/nonexistent/adapter",))


def test_success_where_there_is_nothing_is_left_to_the_scenarios() -> None:
    checks: Any = checked(('"raised", "error": {"kind": "HTTPError", "status": error.code}', '"returned"'))
    assert checks["hands over a failure of the client"].passed
    assert "returned None" in checks["hands over a failure of the client"].why
