"""Texts and numbers that a careless hop changes, sent wherever the API gives them back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.contract.contract import Contract
from conformance.suites.bodies import ADDRESS, AMOUNT_FIELD, TEXT, lines_of
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, encoded
from conformance.suites.expectations import CODES, representative
from conformance.suites.fields import Field, fields, with_value
from conformance.suites.reply import Expected
from conformance.suites.scene import Scene

__all__ = ["TEXTS", "text_cases"]

TEXTS: tuple[str, ...] = (
    TEXT,
    "  spaces at both ends  ",
    "two  spaces\tand a tab",
    "first line\nsecond line\r\nthird",
    "a\r\nX-Injected: yes",
    "שלום עולם مرحبا \u200eabc\u200f",
    "👩‍👩‍👧‍👦 🇸🇪 \U0001d518\U0001d52b\U0001d526",
    "e\u0301 and é, ﬁ and fi, \u00a0\u2009\u200b",
    "<script>alert(1)</script> &lt; &amp; ' \" ` \\ \\n \\u0041 %41 + ${x} {{y}} '; --",
    "null",
    "0",
    "false",
    "0012",
    "1e3",
    "true",
    "2026-01-15T09:00:00Z",
    "   ",
    "a line\n",
    "\ufeffmark",
    "a\u2028b co\u00adop",
    "1.10",
    "1,234.50",
    "12345678901234567890",
    "None",
    "NaN",
    "{}",
    "[]",
    "yes",
    "\u201cquoted\u201d it\u2019s\u2026",
    "\u0131\u0130\u1e9e",
    "\U00020bb7\u91ce\u5bb6 \U0001f44d\U0001f3fd 1\ufe0f\u20e3",
)


# Escapes that JSON allows: a store may refuse what they stand for, and none may fall over.
_HARD: tuple[bytes, ...] = (b"a\\u0000b", b"a\\ud800b", b"\\udc00\\ud800", b"\\u0001\\u001f")
# Stands where a hard text is to stand, and nowhere else in a body.
_PLACE = "HARD-TEXT"


def text_cases(contract: Contract) -> Iterator[Case]:
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
    for name, (state, body) in places.items():
        yield Case(f"{name}/{state}/texts", name, state, "texts", _sent(name, state, body), CODES["text"], True)
    for name, (state, body_of) in _SPELLED.items():
        play = _spelled(name, state, body_of)
        yield Case(f"{name}/{state}/spellings", name, state, "spellings", play, CODES["text"], True)
    for operation in contract.operations:
        if any(_is_free_text(field) for field in fields(operation.body or {})):
            state = representative(contract, operation.id)
            play = _everywhere(contract, operation.id, state)
            name = "texts-everywhere"
            yield Case(f"{operation.id}/{state}/{name}", operation.id, state, name, play, CODES["text"], True)
    for name, body in _OVERWRITTEN.items():
        yield Case(f"{name}/fresh/hard-texts", name, "fresh", "hard-texts", _hard(name, body), CODES["hard text"], True)
    yield Case("captureOrder/large/numbers", "captureOrder", "large", "numbers", _numbers, CODES["text"], True)
    yield Case(
        "updateAuthorization/fresh/numbers", "updateAuthorization", "fresh", "numbers", _totals, CODES["text"], True
    )
    for name, state in (("captureOrder", "large"), ("refundOrder", "large_captured"), ("updateAuthorization", "large")):
        play = _line_numbers(name, state)
        yield Case(f"{name}/{state}/line-numbers", name, state, "line-numbers", play, CODES["limits"], True)
    for name, state in (
        ("captureOrder", "fresh"),
        ("refundOrder", "fully_captured"),
        ("updateAuthorization", "fresh"),
    ):
        play = _several_lines(name, state)
        yield Case(f"{name}/{state}/several-lines", name, state, "several-lines", play, CODES["text"], True)


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
    "product_url": "https://Shop.Example/P%2F1?A=b&c='d'",
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
    "given_name": "ANNA-\u200emaria\u200f",
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


_OVERWRITTEN: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "updateMerchantReferences": lambda text: {"merchant_reference1": text, "merchant_reference2": text},
    "updateConsumerDetails": lambda text: {"shipping_address": {**ADDRESS, "street_address2": text}},
}


def _hard(operation: str, body: Callable[[str], dict[str, Any]]) -> Callable[[Conversation], None]:
    """Send texts that not every store can keep, each overwritten before it is read: how it would look is not known."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, "fresh")
        for text in _HARD:
            scene.ask(raw=encoded(body(_PLACE)).replace(_PLACE.encode(), text))
            scene.read_back(scene.ask(body("plain again")))

    return play


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


# What somebody's tidying would change, in every field that takes any text.
_UNTIDY = (
    "  two  blanks  ",
    "e\u0301 \u00e9 \ufb01\u00a0\u200b\u202eabc\u202c",
    "\U0001f469\u200d\U0001f467 \U00020bb7 \u9774",
    "<b>&amp;</b> 'x' \"y\" \\n %41 +",
    "0012 ",
    "\u3000 wide\r\nlines \u2003",
)
# A place, a person's means of contact and a link have a form that a service may insist on.
_OF_A_FORM = frozenset({"postal_code", "country", "region", "email", "phone"})


def _is_free_text(field: Field) -> bool:
    name = str(field.path[-1])
    free = name not in _OF_A_FORM and not name.endswith(("_uri", "_url"))
    return field.schema.get("type") == "string" and "enum" not in field.schema and free


def _everywhere(contract: Contract, operation: str, state: str) -> Callable[[Conversation], None]:
    schema = contract.operations[operation].body or {}
    places = [field for field in fields(schema) if _is_free_text(field)]

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        for text in _UNTIDY:
            body = scene.body() or {}
            for field in places:
                body = with_value(schema, body, field, text[: field.schema.get("maxLength", len(text))])
            scene.read_back(scene.ask(body))

    return play


def _line_numbers(operation: str, state: str) -> Callable[[Conversation], None]:
    """Send numbers that no rule forbids, and that a narrow type or a rule of one's own would change or refuse."""
    plain: dict[str, Any] = {"type": "physical", "name": "Posten", "quantity": 1, "unit_price": 0, "total_amount": 0}
    lines = (
        {**plain, "quantity": 3_000_000_000},
        {**plain, "quantity": 70_000, "unit_price": 1, "total_amount": 70_000},
        {**plain, "unit_price": 150_000_000, "total_discount_amount": 150_000_000},
        {**plain, "tax_rate": 2_550},
        {**plain, "tax_rate": 12_345},
        {**plain, "subscription": {"name": "Abo", "interval": "DAY", "interval_count": 400}},
        {**plain, "unit_price": 150_001, "total_amount": 150_001},
        {**plain, "type": "discount", "unit_price": -150_000, "total_amount": -150_000},
    )

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        ground = Expected("KOM-208", "no number of a line is beyond its limits", success=True)
        for line in lines[:6]:
            rest = 100_000 - line["total_amount"]
            body = {AMOUNT_FIELD[operation]: 100_000, "order_lines": [line, *lines_of(rest)]}
            scene.read_back(scene.ask(body, expected=ground))
        scene.read_back(scene.ask({AMOUNT_FIELD[operation]: 1, "order_lines": list(lines[6:])}, expected=ground))

    return play


def _numbers(conversation: Conversation) -> None:
    """Capture odd and large amounts, which a float or a 32-bit integer somewhere would change."""
    scene = Scene(conversation, "captureOrder", "large")
    for amount in (1, 33_333_333, 16_777_217, 99_999_999):
        scene.read_back(scene.ask({"captured_amount": amount, "order_lines": lines_of(amount)}))


def _totals(conversation: Conversation) -> None:
    """Set totals that a detour through major units would change."""
    scene = Scene(conversation, "updateAuthorization", "fresh")
    for amount in (10_029, 10_057, 8_029, 4_035, 1_113, 1_001, 115, 29):
        scene.read_back(scene.ask({"order_amount": amount, "order_lines": lines_of(amount)}))


def _several_lines(operation: str, state: str) -> Callable[[Conversation], None]:
    """Send lines in no order of any field, two of them equal and one below zero; each has to keep its place."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        lines = [*lines_of(60, "Zebra"), *lines_of(30, "Apfel"), *lines_of(-20, "Mango"), *lines_of(30, "Apfel")]
        lines[2]["type"] = "discount"
        scene.read_back(scene.ask({AMOUNT_FIELD[operation]: 100, "order_lines": lines}))

    return play
