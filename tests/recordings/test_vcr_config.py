from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import vcr  # type: ignore[import-untyped]  # vcrpy has no types
from vcr.errors import CannotOverwriteExistingCassetteException  # type: ignore[import-untyped]  # as above

from conformance.contract.contract import Contract
from conformance.recordings.reader import read_recording
from conformance.recordings.redaction import redactor_for
from conformance.recordings.vcr_config import klarna_vcr_config
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from tests.recordings.sample import CAPTURE, CREDENTIALS, HOME, ORDER, cassette

INSTALLED = any(entry.name == "klarna_conformance" for entry in entry_points(group="pytest11"))
PLUGINS = () if INSTALLED else ("-p", "conformance.pytest_plugin")
CHECKOUT = Path(__file__).parent.parent.parent
HEADERS = {"Authorization": CREDENTIALS}


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "recorded.yaml"
    path.write_text(cassette())
    return path


def played(path: Path, **settings: Any) -> Any:
    return vcr.use_cassette(str(path), **klarna_vcr_config(record_mode="none", **settings))


def test_httpx_plays_our_cassettes(recorded: Path) -> None:
    with played(recorded) as tape, httpx.Client(base_url=HOME, headers=HEADERS) as client:
        assert client.get(ORDER).json()["captured_amount"] == 0
        made = client.post(f"{ORDER}/captures", json=CAPTURE)
        assert made.status_code == 201
        assert made.headers["capture-id"] in made.headers["location"]
        assert client.get(ORDER).json()["captured_amount"] == 4_000
        assert tape.all_played


def test_requests_plays_our_cassettes(recorded: Path) -> None:
    with played(recorded) as tape, requests.Session() as session:
        session.headers.update(HEADERS)
        assert session.get(HOME + ORDER, timeout=5).status_code == 200
        assert session.post(f"{HOME}{ORDER}/captures", json=CAPTURE, timeout=5).status_code == 201
        assert tape.play_count == 2
        assert not tape.all_played


def test_another_request_is_not_played(recorded: Path) -> None:
    with (
        played(recorded),
        httpx.Client(base_url=HOME) as client,
        pytest.raises(CannotOverwriteExistingCassetteException),
    ):
        client.post(f"{ORDER}/captures", json=CAPTURE | {"captured_amount": 4_001})


@pytest.mark.parametrize("given", [None, "salt of our own"])
def test_what_vcrpy_records_is_redacted_and_plays_again(tmp_path: Path, contract: Contract, given: str | None) -> None:
    path = tmp_path / "made.yaml"
    redactor = redactor_for(contract, given) if given else None
    settings = klarna_vcr_config(redactor, record_mode="once")
    with ServerThread(Simulator(contract)) as server:
        for _ in range(2):
            # The second round plays what the first has recorded.
            with (
                vcr.use_cassette(str(path), **settings) as tape,
                httpx.Client(base_url=server.base_url, headers=HEADERS | {"Accept-Encoding": "gzip"}) as client,
            ):
                order = client.get(ORDER).json()
                made = client.post(f"{ORDER}/captures", json=CAPTURE)
                # What the client gets while recording is what really came.
                assert (order["billing_address"]["given_name"] == "Zoë") is (tape.play_count == 0)
                assert made.status_code == 201
        assert tape.play_count == 2
    text = path.read_text()
    assert not [
        word for word in ("Zo", "customer@", "conformance-secret", CREDENTIALS[6:], "127.0.0.1") if word in text
    ]
    interactions = read_recording(path).interactions
    assert [each.exchange.response.status for each in interactions if each.exchange.response] == [200, 201]
    assert json.loads(interactions[1].exchange.request.body)["captured_amount"] == 4_000


def test_a_text_body_of_vcrpy_is_taken(contract: Contract) -> None:
    settings = klarna_vcr_config(match_on=["method"])
    assert settings["match_on"] == ["method"]
    made = settings["before_record_response"](
        {
            "status": {"code": 200, "message": "OK"},
            "headers": {"X-Customer": b"Zoe"},
            "body": {"string": '{"city":"Bern"}'},
        }
    )
    assert b"Bern" not in made["body"]["string"]
    assert made["headers"]["X-Customer"] != ["Zoe"]


PLUGIN = """
import httpx
import pytest
from conformance.recordings.vcr_config import klarna_vcr_config

@pytest.fixture(scope="module")
def vcr_config():
    return klarna_vcr_config()

@pytest.fixture(scope="module")
def vcr_cassette_dir():
    return {directory!r}

@pytest.mark.vcr("played.yaml")
@pytest.mark.block_network
@pytest.mark.parametrize("reads_back", [True, False])
def test_played(klarna_cassette, reads_back):
    with httpx.Client(base_url={home!r}) as client:
        assert client.get({order!r}).json()["captured_amount"] == 0
        assert client.post({order!r} + "/captures", json={body!r}).status_code == 201
        if reads_back:
            assert client.get({order!r}).json()["captured_amount"] == 4000
"""


def test_pytest_recording_plays_them_and_misses_what_is_left(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, recorded: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    recorded.rename(recorded.with_name("played.yaml"))
    pytester.makepyfile(PLUGIN.format(directory=str(recorded.parent), home=HOME, order=ORDER, body=CAPTURE))
    done = pytester.runpytest_subprocess(*PLUGINS, "-p", "no:cacheprovider")
    done.assert_outcomes(passed=2, errors=1)
    done.stdout.fnmatch_lines([f"*recorded and never asked for: GET {ORDER}*"])
