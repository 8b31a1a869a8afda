"""A curl line repeats the request exactly, for whoever has the credentials, and holds none itself."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess

import pytest

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.recordings.redaction import redactor_for
from conformance.suites.curl import curl, curls, story
from tests.suites.raw_server import RawServer, saying

MINE = "Basic bWU6c2VjcmV0"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(
    "body",
    [b"", b'{"a":"it\'s \\"$HOME\\" `x` \xc3\xa9"}', b"@file", b"line\nline"],
)
def test_a_shell_sends_what_the_suite_sent(body: bytes) -> None:
    with RawServer(saying(OK)) as server:
        request = Request(
            "POST", "/o/%7B%7D//x?q=1%20", Headers([("Authorization", MINE), ("X-Odd", "a 'b' $c")]), body
        )
        line = curl(request, server.url, MINE)
        environment = {**os.environ, "KLARNA_USERNAME": "me", "KLARNA_PASSWORD": "secret"}
        subprocess.run(["/bin/sh", "-c", line], env=environment, check=True, capture_output=True, timeout=20)
        (sent,) = server.requests
    head, _, told = sent.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /o/%7B%7D//x?q=1%20 HTTP/1.1"
    assert b"X-Odd: a 'b' $c" in lines
    assert f"Authorization: {MINE}".encode() in lines
    assert told == body
    assert not [each for each in lines if each.startswith(b"Content-Type")]


def test_no_credentials_are_written_down() -> None:
    stranger = Request("GET", "/", Headers([("Authorization", "Basic c3RyYW5nZXI6aGlkZGVu")]))
    line = curl(stranger, "http://h", MINE)
    assert "c3RyYW5nZXI6aGlkZGVu" not in line
    assert '"Authorization: $OTHER_AUTHORIZATION"' in line
    assert "Authorization" not in curl(Request("GET", "/"), "http://h", MINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_secrets_are_variables_and_the_line_still_runs() -> None:
    mine = "Basic " + base64.b64encode(b"me:top secret").decode()
    with RawServer(saying(OK)) as server:
        headers = Headers([("Authorization", mine), ("Cookie", "sid=4711"), ("X-Odd", "a top secret b")])
        request = Request("POST", "/o?p=top%20secret", headers, b'{"a":"top secret"}')
        line = curl(request, server.url.replace("http://", "http://user:word@"), mine)
        for word in ("top secret", "top%20secret", "4711", "user:word"):
            assert word not in line
        environment = {**os.environ, "KLARNA_USERNAME": "me", "KLARNA_PASSWORD": "top-secret", "COOKIE": "sid=1"}
        subprocess.run(["/bin/sh", "-c", line], env=environment, check=True, capture_output=True, timeout=20)
        (sent,) = server.requests
    assert sent.startswith(b"POST /o?p=top-secret HTTP/1.1")
    assert b"Cookie: sid=1" in sent
    assert b"X-Odd: a top-secret b" in sent
    assert sent.endswith(b'{"a":"top-secret"}')


def test_people_get_stand_ins_when_asked() -> None:
    redactor = redactor_for(load_contract())
    body = json.dumps({"captured_amount": 5, "given_name": "Anastasia"}).encode()
    request = Request("POST", "/orders/Anastasia?email=anastasia@x.example", Headers([("X-Odd", "Anastasia")]), body)
    line = curl(request, "http://h", MINE, redactor)
    assert "nastasia" not in line
    assert '"captured_amount": 5' in line
    assert curls([Exchange(request)], "http://h", MINE, redactor) == line
    assert "nastasia" not in story([Exchange(request)], redactor)[0]


@pytest.mark.parametrize("body", [b"x" * 5_000, b"\xff", b"a\x00b"])
def test_what_no_shell_can_carry_comes_from_standard_input(body: bytes) -> None:
    assert "--data-binary @-" in curl(Request("POST", "/", body=body), "http://h")


def test_an_absolute_target_keeps_only_its_path() -> None:
    assert "http://h:1/a?b" in curl(Request("GET", "https://elsewhere/a?b"), "http://h:1/prefix")


def test_a_story_numbers_what_happened() -> None:
    exchanges = [Exchange(Request("GET", "/a?b"), Response(200)), Exchange(Request("POST", "/c"), failure="no answer")]
    assert story(exchanges) == ("1. GET /a -> 200", "2. POST /c -> no answer")
    assert curls(exchanges, "http://h").count("curl ") == 2


def test_a_story_tells_amounts_and_repeated_keys() -> None:
    headers = Headers({"Klarna-Idempotency-Key": "k"})
    moves = [Request("POST", "/c", headers, b'{"captured_amount":400,"description":"x"}') for _ in range(2)]
    others = [Request("POST", "/c", Headers(), body) for body in (b"{", b"[]", b'{"captured_amount":"4"}')]
    exchanges = [Exchange(request, Response(201)) for request in (*moves, *others)]
    assert story(exchanges) == (
        "1. POST /c captured_amount 400 -> 201",
        "2. POST /c captured_amount 400 (key of 1) -> 201",
        "3. POST /c -> 201",
        "4. POST /c -> 201",
        "5. POST /c -> 201",
    )


def test_a_path_that_begins_with_two_slashes_is_no_host() -> None:
    request = Request("GET", "//o/1?q=//2")
    assert " http://127.0.0.1:1//o/1?q=//2 " in f"{curl(request, 'http://127.0.0.1:1')} ".replace("'", "")
    assert story([Exchange(request, Response(200))])[0].startswith("1. GET //o/1")
