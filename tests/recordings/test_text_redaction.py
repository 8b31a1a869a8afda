from __future__ import annotations

import base64
import json

import pytest

from conformance.contract.contract import Contract
from conformance.recordings.pseudonym import Pseudonyms, is_uuid
from conformance.recordings.redaction import Redactor, redactor_for

ORDER_ID = "0a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90"
ORDER = f"/ordermanagement/v1/orders/{ORDER_ID}"


@pytest.fixture(scope="module")
def redactor(contract: Contract) -> Redactor:
    return redactor_for(contract, secrets=["order capture"])


@pytest.mark.parametrize(
    "target",
    [
        ORDER,
        f"{ORDER}/captures/3c9e8b52-1d47-4e0a-8a66-7f0b5d2c4e11/customer-details",
        f"https://api.playground.klarna.com{ORDER}",
        f"//ordermanagement/v1/orders/{ORDER_ID}",
        "/ordermanagement/v1/orders/%20%2F..",
    ],
)
def test_an_address_of_the_api_stays(redactor: Redactor, target: str) -> None:
    assert redactor.target(target) == target


@pytest.mark.parametrize(
    ("target", "gone"),
    [
        (f"https://user:pass@internal.example:8443{ORDER}", ("user", "pass", "internal", "8443")),
        (f"/customer-token/v1/tokens/{ORDER_ID}/order", (ORDER_ID,)),
        ("/merchants/K100001/orders", ("K100001",)),
        ("/ordermanagement/v1/orders/Zoe%20%C3%84", ("Zoe", "%C3%84")),
        (f"{ORDER}?email=zoe%40example.org&captured_amount=5", ("zoe", "example.org")),
        (f"{ORDER}#Zoe", ("Zoe",)),
        (f"{ORDER};sid=Zoe", ("Zoe",)),
        (f"//zoe:pw@host{ORDER}", ("zoe", "pw")),
        ("/ordermanagement/v1/orders/%5A%6F%65", ("%5A%6F%65", "Zoe")),
    ],
)
def test_an_address_gives_nobody_away(redactor: Redactor, target: str, gone: tuple[str, ...]) -> None:
    made = redactor.target(target)
    assert not [word for word in gone if word in made]


def test_a_message_keeps_no_phone_number(redactor: Redactor) -> None:
    assert "171" not in redactor.message("call +49 171 555 12 34 now")
    assert redactor.message("zoe@example.org is known").endswith("is known")


def test_a_secret_goes_even_where_words_stay(redactor: Redactor) -> None:
    pair = base64.b64encode(b"order capture").decode()
    for said in ("the order capture here", f"x {pair} y", "order%20capture", "order+capture"):
        assert redactor.message(said) != said
    assert redactor.body(b'{"status":"order capture","order capture":1}').count(b"order capture") == 0


def test_ids_go_when_asked(contract: Contract) -> None:
    redactor = redactor_for(contract, keep_ids=False)
    made = redactor.target(ORDER)
    assert ORDER_ID not in made
    assert is_uuid(made.rpartition("/")[2])
    assert ORDER_ID not in redactor.body(json.dumps({"order_id": ORDER_ID}).encode()).decode()
    assert ORDER_ID not in redactor.message(ORDER_ID, frozenset({ORDER_ID}))
    assert Pseudonyms().uuid(ORDER_ID.upper()).isupper()
