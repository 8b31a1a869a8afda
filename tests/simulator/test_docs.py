"""What docs/simulator.md promises is done: its examples run against a server, its tables are complete and true."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from conformance import cli
from conformance.contract.contract import Contract
from conformance.simulator import (
    connection,
    history,
    provocation,
    request_body,
    request_reader,
    script,
    toxic,
    wire,
)
from conformance.simulator.behaviour import Behaviour
from conformance.simulator.clock import START, timestamp
from conformance.simulator.control import Control
from conformance.simulator.demo import AUTHORIZED_ORDER_ID, CAPTURED_ORDER_ID, DEMO_ORDERS
from conformance.simulator.merchant import DEFAULT_MERCHANTS, Merchant
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.toxic import TOXICS
from tests.simulator.caller import Caller

CHECKOUT = Path(__file__).parent.parent.parent
PAGE = (CHECKOUT / "docs" / "simulator.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
READY = re.compile(r"API (http://\S+) control (http://\S+) username (\S+)\n")
EXPECTED = re.compile(r"# (\d{3}|exit \d+)$", re.MULTILINE)
INSTALLED = any(entry.name == "klarna_conformance" for entry in entry_points(group="pytest11"))
PLUGINS = () if INSTALLED else ("-p", "conformance.pytest_plugin")

# Each call says how it was answered, or how curl ended where it was not.
SAY = """
set -u
curl() {
    local said ended
    said=$(command curl --noproxy '*' --silent --max-time 10 --output /dev/null --write-out '%{http_code}' "$@")
    ended=$?
    if [ $ended = 0 ]; then echo "$said"; else echo "exit $ended"; fi
}
"""


def snippets(language: str) -> list[str]:
    return [text for name, text in FENCE.findall(PAGE) if name == language]


def rows(title: str) -> list[list[str]]:
    """Return the cells of the table whose first column has this title."""
    _, found, rest = PAGE.partition(f"\n| {title} |")
    assert found, title
    lines = rest.split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def plain(cell: str) -> str:
    return cell.replace("`", "")


COMMANDS = [
    shlex.split(line)[1:] for line in "".join(snippets("sh")).splitlines() if line.startswith("klarna-conformance ")
]
CALLS = "".join(text for text in snippets("sh") if "klarna-conformance" not in text)


# --- examples --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs bash and curl")
def test_every_call_is_answered_as_it_says(contract: Contract) -> None:
    expected = EXPECTED.findall(CALLS)
    assert len(expected) == CALLS.count("\ncurl ") > 20
    with ServerThread(Simulator(contract)) as server:
        said = CALLS.replace("http://127.0.0.1:8080", server.base_url)
        said = said.replace("http://127.0.0.1:8081", server.control_url)
        ran = subprocess.run(["bash", "-c", SAY + said], capture_output=True, text=True, timeout=60, check=False)
        assert ran.stdout.splitlines() == expected, ran.stderr
        moved = [entry["amount"] for entry in server.simulator.ledger(AUTHORIZED_ORDER_ID)["entries"]]
        # As the page says of the lost reply and the attempt after it.
        assert moved == [10_000, 4_000]
        assert [request.toxic for request in server.wire(AUTHORIZED_ORDER_ID)] == ["close_after", ""]


def test_every_request_of_the_control_interface_is_listed_with_a_call() -> None:
    known = {f"{method} /{path}" for path, methods in Control._ACTIONS.items() for method in methods}
    known |= {f"{method} /{path}/{{order_id}}" for path, methods in Control._OF_ORDERS.items() for method in methods}
    assert {plain(ask) for ask, _ in rows("ask")} == known
    shown = set()
    for line in CALLS.splitlines():
        if found := re.search(r"\$CONTROL/(\w+)(/\$FRESH)?", line):
            given = re.search(r"--request (\w+)", line)
            method = given[1] if given else "POST" if "--json" in line else "GET"
            shown.add(f"{method} /{found[1]}{'/{order_id}' if found[2] else ''}")
    assert shown == known


def test_the_python_example_passes(pytester: pytest.Pytester) -> None:
    (snippet,) = snippets("python")
    pytester.path.joinpath("test_example.py").write_text(snippet, encoding="utf-8")
    outcome = pytester.runpytest_inprocess(*PLUGINS, "-p", "no:cacheprovider")
    assert outcome.parseoutcomes() == {"passed": 1}


Serve = Callable[[list[str]], tuple[subprocess.Popen[str], str]]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start a command of the page on free ports; whatever still runs afterwards is ended."""
    running: list[subprocess.Popen[str]] = []
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    for name in ("KLARNA_USERNAME", "KLARNA_PASSWORD"):
        monkeypatch.delenv(name, raising=False)

    def start(arguments: list[str]) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "conformance", *arguments, "--port", "0", "--control-port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        running.append(process)
        assert process.stdout is not None
        ready = READY.fullmatch(process.stdout.readline())
        assert ready is not None
        return process, ready[1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def ask(base_url: str, method: str, path: str, body: Any = None) -> int:
    requests = pytest.importorskip("requests")
    with requests.Session() as session:
        session.trust_env = False
        first = DEFAULT_MERCHANTS[0]
        url = f"{base_url}/ordermanagement/v1/orders/{path}"
        answer = session.request(method, url, json=body, auth=(first.username, first.password), timeout=10)
        return int(answer.status_code)


def chosen(option: str) -> list[str]:
    (command,) = [arguments for arguments in COMMANDS if arguments[0] == "serve" and option in arguments]
    return command


def test_a_fault_is_served(serve: Serve) -> None:
    _, base_url = serve(chosen("--fault"))
    assert ask(base_url, "POST", f"{AUTHORIZED_ORDER_ID}/captures", {"captured_amount": 1}) == 200


def test_whoever_calls_is_judged(serve: Serve, tmp_path: Path) -> None:
    process, base_url = serve(chosen("--judge"))
    assert (tmp_path / "orders.tsv").read_text(encoding="utf-8").startswith("order_id\t")
    assert ask(base_url, "GET", AUTHORIZED_ORDER_ID) == 200
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["cases"]


def test_the_other_commands_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert {arguments[0] for arguments in COMMANDS} == {"serve", "faults"}
    for arguments in COMMANDS:
        assert cli.run([*arguments, "--help"] if arguments[0] == "serve" else arguments) == 0, arguments
    assert capsys.readouterr().err == ""
    for option in set(re.findall(r"`(--[a-z-]+)", PAGE)):
        cli.run(["serve", "--help"])
        assert option in capsys.readouterr().out, option


# --- tables ----------------------------------------------------------------------------------------------------------


def test_merchants_and_orders_are_those_of_a_fresh_simulator() -> None:
    told = [[plain(cell) for cell in row[:2]] for row in rows("username")]
    assert told == [[merchant.username, merchant.password] for merchant in DEFAULT_MERCHANTS]
    orders = rows("demo order")
    assert [plain(row[0]) for row in orders] == [order["order_id"] for order in DEMO_ORDERS]
    for (_, status, holds), order in zip(orders, DEMO_ORDERS, strict=True):
        assert plain(status) == order["status"]
        ids = [made[f"{kind}_id"] for kind in ("capture", "refund") for made in order.get(f"{kind}s", ())]
        assert re.findall(r"`([0-9a-f-]{36})`", holds) == ids


def test_the_catalogue_of_toxics_is_whole() -> None:
    assert [plain(row[0]) for row in rows("toxic")] == list(TOXICS)
    for (_, does, works, parameters), kind in zip(rows("toxic"), TOXICS.values(), strict=True):
        assert f"{does}." == kind.does
        assert plain(works) == kind.works
        told = ", ".join(f"{each.name} ({_json(each.default)})" for each in kind.parameters)
        assert plain(parameters) == told


def _json(value: Any) -> str:
    return json.dumps(dict(value) if isinstance(value, Mapping) else value)


def _brace(caller: Caller) -> str:
    return caller.get("%7B%7D").headers.get("Content-Type") or ""


def _no_credentials(caller: Caller) -> str:
    answer = Caller(caller.simulator, Merchant("nobody", "x", "x")).get(AUTHORIZED_ORDER_ID)
    return answer.headers.get("Content-Type") or ""


def _no_operation(caller: Caller) -> str:
    return next(name for name in ("error_code", "path") if name in json.loads(caller.get("").body))


def _cancelled(caller: Caller) -> str:
    order_id = caller.simulator.create_order({"amount": 9_900})
    assert caller.post(f"{order_id}/cancel").status == 204
    return str(caller.order(order_id)["remaining_authorized_amount"])


def _reference(caller: Caller) -> str:
    refund_id = caller.refund(CAPTURED_ORDER_ID, 1_000, reference="mine")
    return (
        "returned"
        if "reference" in json.loads(caller.get(f"{CAPTURED_ORDER_ID}/refunds/{refund_id}").body)
        else "missing"
    )


def _allocation(caller: Caller) -> str:
    caller.refund(CAPTURED_ORDER_ID, 1_000)
    return str(caller.order(CAPTURED_ORDER_ID)["captures"][0]["refunded_amount"])


def _number(caller: Caller) -> str:
    sent = {"captured_amount": 1, "shipping_info": [{"tracking_number": 7}]}
    return str(caller.post(f"{AUTHORIZED_ORDER_ID}/captures", sent).status)


def _quota(caller: Caller) -> str:
    return "sent" if "X-Ratelimit-Limit" in caller.get(AUTHORIZED_ORDER_ID).headers else "missing"


# By the deviation; each with what decides it in the simulator.
PROBES: Mapping[str, tuple[str, Callable[[Caller], str]]] = {
    "DEV-HTML-400": ("refuses_in_html", _brace),
    "DEV-HTML-401": ("refuses_in_html", _no_credentials),
    "DEV-SPRING-404": ("unrouted_in_spring_form", _no_operation),
    "DEV-CANCELLED-REMAINING": ("ended_keeps_remaining", _cancelled),
    "DEV-REFUND-REFERENCE": ("refund_returns_reference", _reference),
    "DEV-CAPTURE-REFUNDED-LAG": ("allocates_refunds_at_once", _allocation),
    "DEV-NUMBER-AS-TEXT": ("accepts_numeric_tracking_number", _number),
    "DEV-RATELIMIT-HEADERS-ABSENT": ("tells_rate_limit", _quota),
}


def test_every_difference_between_documented_and_observed_is_told_and_true(contract: Contract) -> None:
    decided = {flag for flag, _ in PROBES.values()} | {"name"}
    assert decided == {field.name for field in dataclasses.fields(Behaviour)}
    table = {row[3].partition(",")[0]: row for row in rows("difference")}
    assert list(table) == list(PROBES)
    for known, (_, documented, observed, deviations) in table.items():
        assert set(deviations.split(", ")) <= set(contract.deviations)
        for behaviour, told in (("documented", documented), ("observed", observed)):
            simulator = Simulator(contract, behaviour=behaviour, rate_limit=100)
            assert PROBES[known][1](Caller(simulator)) == plain(told), (known, behaviour)


LIMITS = {
    "the head of a request": [request_reader.LARGEST_HEAD],
    "the body of a request": [request_reader.LARGEST_BODY, request_body.LARGEST],
    "connections": [connection._MOST_CONNECTIONS],
    "a request under way": [connection._REQUEST_TIME],
    "a connection between two requests": [connection._IDLE_TIME],
    "a wait in a toxic": [toxic._LONGEST_WAIT_MS],
    "attempts in a script": [script._MOST_ATTEMPTS],
    "orders with scripts": [script._MOST_SCRIPTS],
    "provoked answers that wait": [provocation._MOST_FAULTS],
    "exchanges": [history._MOST_EXCHANGES, history._MOST_BYTES],
    "requests on /wire": [wire._MOST_REQUESTS, wire._MOST_BYTES],
}


def test_the_limits_are_those_in_force() -> None:
    told = {plain(what): [int(number) for number in re.findall(r"\d+", most)] for what, most, _ in rows("what")}
    assert told == LIMITS


def test_time_starts_where_it_says() -> None:
    assert timestamp(START).replace(".000", "") in PAGE
