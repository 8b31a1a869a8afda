"""Texts and numbers that a careless hop changes, sent wherever the API gives them back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.suites.bodies import AMOUNT_FIELD, TEXT, lines_of
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES
from conformance.suites.scene import Scene

__all__ = ["TEXTS", "text_cases"]

TEXTS: tuple[str, ...] = (
    TEXT,
    "  spaces at both ends  ",
    "two  spaces\tand a tab",
    "first line\nsecond line\r\nthird",
    "a\r\nX-Injected: yes",
    "שלום עולם مرحبا",
    "👩‍👩‍👧‍👦 🇸🇪 \U0001d518\U0001d52b\U0001d526",
    "e\u0301 and é, ﬁ and fi, \u00a0\u2009\u200b",
    "<script>alert(1)</script> &lt; &amp; ' \" ` \\ \\n \\u0041 %41 + ${x} {{y}} '; --",
    "null",
    "0012",
    "1e3",
    "true",
    "2026-01-15T09:00:00Z",
)


def text_cases() -> Iterator[Case]:
    """Yield, for each operation that stores text, one case that sends every text and reads each back."""
    places: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
        "captureOrder": (
            "fresh",
            lambda text: {"captured_amount": 1, "description": text, "order_lines": lines_of(1, text)},
        ),
        "refundOrder": ("fully_captured", lambda text: {"refunded_amount": 1, "description": text}),
        "updateMerchantReferences": (
            "fresh",
            lambda text: {"merchant_reference1": text, "merchant_reference2": text[::-1]},
        ),
        "appendOrderShippingInfo": ("fresh", lambda text: {"shipping_info": [{"tracking_number": text}]}),
        "appendShippingInfo": ("part_captured", lambda text: {"shipping_info": [{"shipping_company": text}]}),
        "updateConsumerDetails": ("fresh", lambda text: {"shipping_address": {"street_address2": text, "city": text}}),
    }
    for operation, (state, body) in places.items():
        yield Case(
            f"{operation}/{state}/texts", operation, state, "texts", _sent(operation, state, body), CODES["text"], True
        )
    for operation, (state, body_of) in _SPELLED.items():
        play = _spelled(operation, state, body_of)
        yield Case(f"{operation}/{state}/spellings", operation, state, "spellings", play, CODES["text"], True)
    yield Case("captureOrder/large/numbers", "captureOrder", "large", "numbers", _numbers, CODES["text"], True)
    for operation, state in (
        ("captureOrder", "fresh"),
        ("refundOrder", "fully_captured"),
        ("updateAuthorization", "fresh"),
    ):
        play = _several_lines(operation, state)
        yield Case(f"{operation}/{state}/several-lines", operation, state, "several-lines", play, CODES["text"], True)


_PARCEL: Mapping[str, Any] = {
    "shipping_company": "DHL Express ",
    "shipping_method": "BoxReg",
    "tracking_number": "00034-AbC",
    "tracking_uri": "HTTPS://Track.Example/T%2F1?Id=%C3%A4&b=1+2#Top",
    "return_shipping_company": "dhl",
    "return_tracking_number": "0x1F",
    "return_tracking_uri": "https://carrier.example/Return%20Me?x=%41",
}
_LINE: Mapping[str, Any] = {
    "reference": "0042-aB",
    "type": "digital",
    "quantity": 0,
    "quantity_unit": "Kg",
    "name": "  Download ",
    "unit_price": 100,
    "total_amount": 0,
    "tax_rate": 1_950,
    "total_tax_amount": 0,
    "total_discount_amount": 0,
    "product_url": "https://Shop.Example/P%2F1?A=b",
    "image_url": "https://shop.example/I%20mage.PNG",
    "merchant_data": '{"b": 1, "a": [ 2 ]}',
    "product_identifiers": {
        "brand": " Ordning & Reda ",
        "category_path": "Papier > Hefte",
        "color": "Röd",
        "global_trade_item_number": "0073366118951",
        "manufacturer_part_number": "00-aB 7",
        "size": "1e2",
    },
    "subscription": {"name": "Heft des Monats", "interval": "MONTH", "interval_count": 3},
}
_REDUCED: Mapping[str, Any] = {
    "reference": "SALE",
    "type": "physical",
    "quantity": 3,
    "quantity_unit": "pcs",
    "name": "Reduziert",
    "unit_price": 40,
    "total_amount": 100,
    "tax_rate": 1_900,
    "total_tax_amount": 16,
    "total_discount_amount": 20,
}
_FEE: Mapping[str, Any] = {
    "type": "return_fee",
    "name": "Rücksendung",
    "quantity": 1,
    "unit_price": -50,
    "total_amount": -50,
    "tax_rate": 1_900,
    "total_tax_amount": -8,
}
_ADDRESS: Mapping[str, Any] = {
    "given_name": "ANNA-maria",
    "family_name": "O'Neil  MacDonald",
    "title": "Frau Dr.",
    "street_address": "STRASSE des 17. Juni 0135",
    "street_address2": "c/o  Öz",
    "postal_code": "01067",
    "city": "DRESDEN",
    "country": "DE",
    "email": "Anna.O'Neil+Shop@Example.COM",
    "phone": "+49 351 1234567",
}
# Spellings that somebody's tidying would change, in each field that has a form of its own.
_SPELLED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "captureOrder": (
        "part_captured",
        {"captured_amount": 100, "order_lines": [dict(_LINE), dict(_REDUCED)], "shipping_info": [dict(_PARCEL)]},
    ),
    "refundOrder": (
        "part_captured",
        {"refunded_amount": 100, "order_lines": [dict(_LINE), dict(_REDUCED), *lines_of(50), dict(_FEE)]},
    ),
    "updateAuthorization": (
        "fresh",
        {"order_amount": 10_000, "order_lines": [dict(_LINE), dict(_REDUCED), *lines_of(9_900)]},
    ),
    "appendShippingInfo": ("fully_captured", {"shipping_info": [dict(_PARCEL)]}),
    "appendOrderShippingInfo": ("fully_captured", {"shipping_info": [dict(_PARCEL)]}),
    "updateConsumerDetails": ("fresh", {"shipping_address": dict(_ADDRESS)}),
}


def _spelled(operation: str, state: str, body: dict[str, Any]) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        scene.read_back(scene.ask(body))

    return play


def _sent(operation: str, state: str, body: Callable[[str], dict[str, Any]]) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        for text in TEXTS:
            scene.read_back(scene.ask(body(text)))

    return play


def _numbers(conversation: Conversation) -> None:
    """Capture odd and large amounts, which a float or a 32-bit integer somewhere would change."""
    scene = Scene(conversation, "captureOrder", "large")
    for amount in (1, 33_333_333, 16_777_217, 99_999_999):
        scene.read_back(scene.ask({"captured_amount": amount, "order_lines": lines_of(amount)}))


def _several_lines(operation: str, state: str) -> Callable[[Conversation], None]:
    """Send lines in no order of any field, two of them equal and one below zero; each has to keep its place."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        lines = [*lines_of(60, "Zebra"), *lines_of(30, "Apfel"), *lines_of(-20, "Mango"), *lines_of(30, "Apfel")]
        lines[2]["type"] = "discount"
        scene.read_back(scene.ask({AMOUNT_FIELD[operation]: 100, "order_lines": lines}))

    return play
