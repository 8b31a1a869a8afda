from __future__ import annotations

import pytest

from conformance.exceptions import UsageError
from conformance.suites.region import SANDBOXES, is_live, refuse_live, sandbox_url
from conformance.suites.target import Credentials, UrlTarget


def test_the_sandboxes_are_those_of_the_three_regions() -> None:
    assert dict(SANDBOXES) == {
        "playground-eu": "https://api.playground.klarna.com",
        "playground-na": "https://api-na.playground.klarna.com",
        "playground-oc": "https://api-oc.playground.klarna.com",
    }
    assert not any(is_live(url) for url in SANDBOXES.values())
    assert sandbox_url("playground-na") == SANDBOXES["playground-na"]


def test_an_unknown_sandbox_is_one_line() -> None:
    with pytest.raises(UsageError, match="no sandbox 'playground'; there are playground-eu, "):
        sandbox_url("playground")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.klarna.com",
        "https://api-na.klarna.com",
        "https://api-oc.klarna.com",
        "https://api.kustom.co",
        "https://API.Klarna.COM.",
        "http://api.klarna.com:8443/prefix",
        "https://klarna.com",
        "https://api.playground.klarna.com@api.klarna.com",
        "https://api.global.klarna.com",
        "https://playground-api.klarna.com",
    ],
)
def test_live_hosts_are_refused(url: str) -> None:
    assert is_live(url)
    with pytest.raises(UsageError, match="is the live service"):
        refuse_live(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.playground.klarna.com",
        "https://api.playground.kustom.co",
        "https://notklarna.com",
        "https://api.klarna.com.example.org",
        "http://127.0.0.1:8080",
        "http://[::1",
        "",
    ],
)
def test_other_hosts_are_not(url: str) -> None:
    assert not is_live(url)
    refuse_live(url)


def test_no_target_is_made_for_a_live_host() -> None:
    with pytest.raises(UsageError, match="live service"):
        UrlTarget("https://api.klarna.com", Credentials("name", "secret"))
