from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from conformance.contract.contract import Contract
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.recordings.policy import Kind, kind_of_field
from conformance.recordings.pseudonym import Pseudonyms
from conformance.recordings.redaction import MARK, MERCHANT, UNUSABLE, Redactor, redactor_for

ORDER_ID = "0a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90"
ORDER = f"/ordermanagement/v1/orders/{ORDER_ID}"


@pytest.fixture(scope="module")
def redactor(contract: Contract) -> Redactor:
    return redactor_for(contract, secrets=["order capture"])


def body(redactor: Redactor, value: Any) -> Any:
    return json.loads(redactor.body(json.dumps(value).encode()))


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Zoe", "Aaa"),
        ("K100001", "A000000"),
        ("ÄÖ", "ÀÀ"),
        ("漢字", "丁丁"),
        ("😀", "😀"),
        ("x" * 5000, "a" * 5000),
        ("ß", "à"),
    ],
)
def test_a_token_keeps_length_case_and_kind(text: str, shape: str) -> None:
    made = Pseudonyms().token(text)
    assert len(made) == len(shape)
    assert [(s.isupper(), s.islower(), s.isdigit(), len(s.encode())) for s in made] == [
        (s.isupper(), s.islower(), s.isdigit(), len(s.encode())) for s in shape
    ]
    assert made != text or not text.isalnum()


def test_a_single_sign_never_stands_for_itself() -> None:
    assert all(Pseudonyms().token(sign) != sign for sign in "abcxyzABCXYZ0123456789")


def test_pseudonyms_follow_from_the_salt() -> None:
    one, same, other = Pseudonyms("one"), Pseudonyms("one"), Pseudonyms("other")
    assert one.token("Hansen") == same.token("Hansen") != other.token("Hansen")
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert one.token("HANSEN").lower() == one.token("hansen")


def test_a_mail_address_stays_one() -> None:
    made = Pseudonyms().mail("customer@klarna.example")
    assert made.endswith("@example.com")
    assert len(made) == len("customer@klarna.example")
    assert len(Pseudonyms().mail("a@b.de")) == len("12345678@example.com")


def test_a_day_stays_one_and_no_day_becomes_one(redactor: Redactor) -> None:
    made = body(redactor, {"date_of_birth": "1970-07-10"})["date_of_birth"]
    assert made != "1970-07-10"
    assert Pseudonyms().day("1970-07-10") == made
    with pytest.raises(ValueError, match=r"day is out of range|must be in"):
        Pseudonyms().day(body(redactor, {"date_of_birth": "1970-02-30"})["date_of_birth"])


@pytest.mark.parametrize("number", ["0", "7", "10", "-12", "491234567890", "1.50", "2e9", "10.25E-3"])
def test_a_number_stays_one(number: str) -> None:
    made = Pseudonyms().number(number)
    assert len(made) == len(number)
    json.loads(made)
    assert made != number or number == "0"


def test_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no number"):
        Pseudonyms().number("x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order_id", ORDER_ID),
        ("captured_at", "2026-01-15T09:00:00.000Z"),
        ("captured_amount", 4_000),
        ("captured_amount", "4000"),
        ("purchase_country", "DE"),
        ("purchase_currency", "EUR"),
        ("locale", "de-DE"),
        ("status", "PART_CAPTURED"),
        ("shipping_method", "PickUpStore"),
        ("error_code", "CAPTURE_NOT_ALLOWED"),
        ("error_messages", ["Captured amount is higher than the remaining authorized amount."]),
        ("order_lines", []),
        ("credit_invoice", False),
        ("description", ""),
        ("description", None),
    ],
)
def test_what_can_be_judged_stays(redactor: Redactor, name: str, value: Any) -> None:
    assert body(redactor, {name: value}) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order_id", "not-an-id"),
        ("captured_at", "yesterday"),
        ("captured_amount", "491234567890123"),
        ("purchase_country", "Germany"),
        ("purchase_currency", "Euro"),
        ("locale", "german"),
        ("status", "Zoe"),
        ("given_name", "Zoë"),
        ("givenName", "Zoë"),
        ("city", "Berlin"),
        ("postal_code", "10178"),
        ("phone", "+491234567890"),
        ("phone", 491234567890),
        ("email", "zoe@example.org"),
        ("email", "no address"),
        ("national_identification_number", "701231-1234"),
        ("merchant_data", '{"vip":"Zoe"}'),
        ("merchant_reference1", "Zoe-1"),
        ("description", "for Zoe, zoe@example.org"),
        ("tracking_uri", "https://post.example/Zoe"),
        ("product_url", "no link"),
        ("token_id", ORDER_ID),
        ("anything_else", "Zoe"),
        ("anything_else", 19700710),
        ("error_messages", ["Order of Zoe is not open"]),
        ("path", "/merchants/K100001/orders"),
    ],
)
def test_what_tells_of_people_goes(redactor: Redactor, name: str, value: Any) -> None:
    made = body(redactor, {name: value})[name]
    assert made != value
    assert type(made) is type(value)
    if isinstance(value, str):
        assert len(made) >= len(value)


def test_every_documented_field_has_a_kind_of_its_own_or_is_text(contract: Contract) -> None:
    assert kind_of_field("captured_amount") is Kind.AMOUNT
    assert kind_of_field("capturedAmount") is Kind.AMOUNT
    assert kind_of_field("Date-Of-Birth") is Kind.BIRTH
    assert kind_of_field("what_is_this") is Kind.TEXT


def test_json_keeps_its_spelling(redactor: Redactor) -> None:
    text = b'{ "captured_amount" :  1.50e1,\n\t"status":"CLOSED", "status":"CLOSED", "a":[1 ,{"quantity":-0.0}, true] }'
    made = redactor.body(text)
    assert made.replace(made[made.index(b"[") : made.index(b"[") + 2], b"[1") == text


def test_escapes_stay_escapes(redactor: Redactor) -> None:
    assert redactor.body(b'{"city":"K\\u00f6ln"}').startswith(b'{"city":"')
    assert b"\\u00" in redactor.body(b'{"city":"K\\u00f6ln"}')
    assert "\\u" not in redactor.body('{"city":"Köln"}'.encode()).decode()


def test_what_is_no_json_does_not_become_json(redactor: Redactor) -> None:
    for text in (b'{"city":"a\nb"}', b'{"city":"a', b'{"city":NaN}', b'{"city":"\xff\xfe"}', b"[" * 100_000):
        made = redactor.body(text)
        with pytest.raises((ValueError, RecursionError)):
            json.loads(made)
        assert len(made) == len(text)


def test_a_form_is_redacted_by_its_fields(redactor: Redactor) -> None:
    made = redactor.body(b"order_amount=100&given_name=Zo%C3%AB&x", "application/x-www-form-urlencoded").decode()
    assert "Zo" not in made
    made = redactor.body(b"order_amount=100&given_name=Zo%C3%AB", "application/x-www-form-urlencoded").decode()
    assert made.startswith("order_amount=100&given_name=")
    assert "Zo%C3%AB" not in made


def test_a_message_keeps_the_ids_that_the_address_names(redactor: Redactor) -> None:
    other = "1b6d2a1f-8c8e-4d3f-8e4b-5a2f3c7d9ea1"
    answer = json.dumps({"error_messages": [f"No order {ORDER_ID}, nor {other}, in 404"]}).encode()
    made = redactor.exchange(Exchange(Request("GET", ORDER), Response(404, Headers(), answer))).response
    assert made is not None
    assert ORDER_ID.encode() in made.body
    assert other.encode() not in made.body
    assert b"404" in made.body


def test_headers_follow_their_table(redactor: Redactor) -> None:
    headers = Headers(
        [
            ("Authorization", "Basic eDp5"),
            ("Set-Cookie", "a=b"),
            ("Content-Type", "application/json; charset=utf-8"),
            ("Date", "Thu, 15 Jan 2026 09:00:00 GMT"),
            ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
            ("Retry-After", "3600"),
            ("Klarna-Correlation-Id", ORDER_ID),
            ("X-Customer", "Zoe"),
            ("Location", f"http://10.0.0.7:81{ORDER}"),
        ]
    )
    made = redactor.headers(headers)
    assert "Authorization" not in made
    assert "Set-Cookie" not in made
    for name in ("Content-Type", "Date", "Strict-Transport-Security", "Retry-After", "Klarna-Correlation-Id"):
        assert made.get(name) == headers.get(name)
    assert made.get("X-Customer") != "Zoe"
    assert made.get("Location") == f"https://api.playground.klarna.com{ORDER}"


def test_who_asked_is_told_without_what_proves_it(redactor: Redactor) -> None:
    def asked(value: str) -> str | None:
        return redactor.request(Request("GET", ORDER, Headers([("Authorization", value)]))).headers.get(MERCHANT)

    one, two = (base64.b64encode(pair).decode() for pair in (b"K1:one", b"K1:two"))
    assert asked(f"Basic {one}") == asked(f"basic {one}") != asked(f"Basic {two}")
    assert asked("Bearer x") == asked("Basic %%%") == asked("Basic eHh4") == UNUSABLE
    assert redactor.request(Request("GET", ORDER)).headers.get(MERCHANT) is None


def test_redacting_twice_changes_nothing(redactor: Redactor) -> None:
    exchange = Exchange(
        Request("POST", f"{ORDER}?q=Zoe", Headers([("Content-Length", "14")]), b'{"email":"a@b"}'),
        Response(200, Headers([("Content-Length", "15")]), b'{"city":"Berne"}'),
        "cut by Zoe",
    )
    once = redactor.exchange(exchange)
    assert once.request.headers.get(MARK) == "1"
    assert redactor.exchange(once) == once
    assert redactor.request(once.request) is once.request
    assert once.response is not None
    assert redactor.response(once.response) is once.response
    assert redactor.exchange(Exchange(Request("GET", ORDER), None, "no answer")).response is None


def test_a_length_follows_its_body(redactor: Redactor) -> None:
    sent = Request("POST", ORDER, Headers([("Content-Length", "19")]), b'{"email":"a@b.org"}')
    made = redactor.request(sent)
    assert made.headers.get("Content-Length") == str(len(made.body)) != "19"


def test_names_of_fields_stay_and_data_in_their_place_goes(redactor: Redactor) -> None:
    made = json.loads(redactor.body(b'{"new_field":1,"zoe@example.org":2,"K100001":3}'))
    assert "new_field" in made
    assert not {"zoe@example.org", "K100001"} & made.keys()
