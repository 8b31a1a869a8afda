"""The plugin as its user meets it: runs of pytest inside pytest."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

# A run in this process forgets what it imported, and compiled modules do not bear a second import.
import conformance.judge.judge
import conformance.simulator.socket_door  # noqa: F401 - as above
from conformance.pytest_plugin import RunningServer

CHECKOUT = Path(__file__).parent.parent
HEAVY = ("schemathesis", "hypothesis", "jsonschema_rs", "yaml", "rich", "click", "conformance.contract")
# An installed package brings the plugin by its entry point; a bare checkout has to name it.
INSTALLED = any(entry.name == "klarna_conformance" for entry in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "conformance.pytest_plugin")


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    program = (
        "import sys; before = set(sys.modules); import conformance.pytest_plugin;"
        f"print([name for name in {HEAVY!r} if name in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert done.stdout == "[]\n"


def test_a_run_that_uses_no_fixture_imports_no_contract(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_was_imported():
            found = [name for name in sys.modules if name.startswith("conformance.")]
            assert found == ["conformance.pytest_plugin"]
        """
    )
    done = run_pytest(pytester.path, "-p", "no:schemathesis")
    assert done.returncode == 0, done.stdout + done.stderr


def run_pytest(directory: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, away from the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KLARNA_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGIN, *options],
        cwd=directory,
        env=environment | {"PYTHONPATH": str(CHECKOUT)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_fixtures_work_together(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import base64
        import http.client
        from urllib.parse import urlsplit

        from conformance.exchange import Exchange, Headers, Request


        def basic(username, password):
            return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


        def test_contract(klarna_contract):
            assert len(klarna_contract.operations) == 18


        def test_judge(klarna_simulator, klarna_order, klarna_judge):
            merchant = klarna_simulator.credentials.merchants[0]
            headers = Headers({"Authorization": basic(merchant.username, merchant.password)})
            request = Request("GET", f"/ordermanagement/v1/orders/{klarna_order(order_amount=1234)}", headers)
            response = klarna_simulator.handle(request)
            assert response.status == 200
            assert b"1234" in response.body
            assert klarna_judge.feed(Exchange(request, response)).findings == ()
            broken = type(response)(200, response.headers, b"not JSON")
            assert klarna_judge.feed(Exchange(request, broken)).findings != ()


        def test_server(klarna_server, klarna_order):
            parts = urlsplit(klarna_server.base_url)
            assert parts.hostname == "127.0.0.1"
            assert klarna_server.password not in repr(klarna_server)
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
            headers = {"Authorization": basic(klarna_server.username, klarna_server.password)}
            connection.request("GET", f"/ordermanagement/v1/orders/{klarna_order()}", headers=headers)
            assert connection.getresponse().status == 200
            connection.close()


        def test_each_test_has_its_own_simulator(klarna_simulator):
            assert klarna_simulator.exchanges == ()
        """
    )
    pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider").assert_outcomes(passed=4)


def test_the_seed_and_the_behaviour_reach_the_simulator(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(klarna_simulator, klarna_order, pytestconfig):
            print("id", klarna_order(), klarna_simulator.behaviour.name)
        """
    )

    def line(*options: str) -> str:
        result = pytester.runpytest_inprocess(*PLUGIN, "-s", "-p", "no:cacheprovider", *options)
        result.assert_outcomes(passed=1)
        return next(line for line in result.outlines if "id " in line)

    first = line("--conformance-seed", "5", "--conformance-behaviour", "observed")
    assert first.rstrip(" .").endswith("observed")
    assert line("--conformance-seed", "5", "--conformance-behaviour", "observed") == first
    assert line("--conformance-seed", "6", "--conformance-behaviour", "observed") != first
    assert line().rstrip(" .").endswith("documented")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--conformance-seed", "-1"), "a seed is a whole number from 0 up"),
        (("--conformance-seed", "x"), "a seed is a whole number from 0 up"),
        (("--conformance-profile", "huge"), "invalid choice: 'huge'"),
        (("--conformance-behaviour", "odd"), "invalid choice: 'odd'"),
    ],
)
def test_a_bad_option_is_bad_usage(pytester: pytest.Pytester, options: tuple[str, str], complaint: str) -> None:
    result = pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider", "=".join(options))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{complaint}*"])


def test_the_options_are_documented(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest_inprocess(*PLUGIN, "--help").stdout.str()
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    for option in ("target", "control-url", "seed", "profile", "behaviour"):
        assert f"--conformance-{option}" in shown
        assert f"--conformance-{option}" in readme
    for fixture in ("contract", "simulator", "server", "order", "judge"):
        assert f"`klarna_{fixture}`" in readme


def test_the_bundled_suites_run_against_the_simulator(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "--pyargs", "conformance.suites", "-k", "getOrder and fresh", "-rs")
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 1


class Words(http.server.BaseHTTPRequestHandler):
    """Answers everything with 404 and words; it has no orders."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"words")

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def orderless() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Words) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_session_that_exchanged_nothing_fails(tmp_path: Path, orderless: str) -> None:
    suites = ("--pyargs", "conformance.suites", "-k", "getOrder and large", "--conformance-target", orderless)
    done = run_pytest(tmp_path, *suites, KLARNA_USERNAME="K1", KLARNA_PASSWORD="own-secret")
    assert done.returncode == 2
    assert "nothing was exchanged, so nothing was judged" in done.stdout
    assert "own-secret" not in done.stdout + done.stderr


def test_the_bundled_suites_fail_a_server_that_breaks_a_must(tmp_path: Path, klarna_server: RunningServer) -> None:
    fault = {"operation": "getOrder", "status": 200, "times": None, "body": "words", "content_type": "application/json"}
    control(klarna_server.control_url, fault)
    suites = ("--pyargs", "conformance.suites", "-k", "getOrder and fresh and valid")
    target = ("--conformance-target", klarna_server.base_url, "--conformance-control-url", klarna_server.control_url)
    secrets = {"KLARNA_USERNAME": klarna_server.username, "KLARNA_PASSWORD": klarna_server.password}
    done = run_pytest(tmp_path, *suites, *target, **secrets)
    assert done.returncode == 1, done.stdout
    assert "KOM-110" in done.stdout
    assert klarna_server.password not in done.stdout + done.stderr


def control(url: str, fault: dict[str, object]) -> None:
    host = url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("POST", "/faults", json.dumps(fault), {"Content-Type": "application/json"})
    assert connection.getresponse().status < 300
    connection.close()


def test_a_target_out_of_reach_ends_the_run(tmp_path: Path) -> None:
    suites = ("--pyargs", "conformance.suites", "--conformance-target", "http://127.0.0.1:9")
    done = run_pytest(tmp_path, *suites, KLARNA_USERNAME="K1", KLARNA_PASSWORD="own-secret")
    assert done.returncode == 2
    assert "http://127.0.0.1:9 cannot be reached" in done.stdout
