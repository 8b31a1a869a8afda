"""Orders of several markets: what is right for one currency and country must be right for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from conformance.judge.echo import MayShow, echo_code, kept, shows
from conformance.suites.bodies import ADDRESS, ORDER, lines_of
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES
from conformance.suites.reply import Reply
from conformance.suites.stops import NotMeasuredError

__all__ = ["MARKETS", "market_cases"]

# Currency, country, locale and a postal code of the country.
MARKETS: dict[str, tuple[str, str, str, str]] = {
    "austria": ("EUR", "AT", "de-AT", "1010"),
    "britain": ("GBP", "GB", "en-GB", "W1S 3BE"),
    "denmark": ("DKK", "DK", "da-DK", "1050"),
    "norway": ("NOK", "NO", "nb-NO", "0154"),
    "netherlands": ("EUR", "NL", "nl-NL", "1012 JS"),
    "sweden": ("SEK", "SE", "sv-SE", "111 22"),
    "switzerland": ("CHF", "CH", "de-CH", "8001"),
    "america": ("USD", "US", "en-US", "10024"),
    "belgium": ("EUR", "BE", "nl-BE", "1000"),
    "france": ("EUR", "FR", "fr-FR", "75001"),
    "finland": ("EUR", "FI", "fi-FI", "00100"),
    "spain": ("EUR", "ES", "es-ES", "08001"),
    "poland": ("PLN", "PL", "pl-PL", "00-001"),
    "canada": ("CAD", "CA", "fr-CA", "K1A 0B1"),
    "australia": ("AUD", "AU", "en-AU", "2000"),
    "company": ("EUR", "DE", "de-DE", "20095"),
}
_COMPANY = {"organization_name": "Läufer & Söhne GmbH", "attention": "Einkauf, 2. Stock"}
_PICKED_UP: dict[str, Any] = {
    "id": "point-7",
    "name": "Ombud",
    "type": "PickUpPoint",
    "carrier": "PostNord",
    "price": 4_900,
    "tax_amount": 980,
    "tax_rate": 2_500,
    "location": {
        "id": "7",
        "name": "Kiosken & Co",
        "address": {
            "street_address": "Götgatan 1",
            "street_address__2": "Port B",
            "postal_code": "116 46",
            "city": "Stockholm",
            "country": "SE",
        },
    },
    "selected_addons": [{"type": "gift-wrap", "price": 0, "user_input": "Grattis!"}, {"type": "sms", "price": 500}],
    "timeslot": {"id": "evening", "start": "2026-12-24T17:00:00Z", "end": "2026-12-24T20:00:00Z"},
}
# What an order of a market has beside what all have.
_OWN: dict[str, dict[str, Any]] = {
    "america": {
        "initial_payment_method": {
            "type": "FIXED_AMOUNT_BY_CARD",
            "description": "4 payments",
            "number_of_installments": 4,
        },
        "customer": {"date_of_birth": "1980-02-29"},
    },
    "sweden": {
        "initial_payment_method": {"type": "ACCOUNT", "description": "Konto", "number_of_installments": 12},
        "customer": {"date_of_birth": "1949-12-31"},
        "merchant_data": '{"cart": "' + "0123456789" * 60 + '"}',
        "selected_shipping_option": _PICKED_UP,
    },
    "company": {
        "initial_payment_method": {"type": "INVOICE_BUSINESS", "description": "Invoice"},
        "merchant_reference2": "0",
        "merchant_data": '{"till": "0042"}',
        "selected_shipping_option": {"id": "express-1", "name": "Express", "type": "Home", "price": 0, "tax_rate": 0},
    },
}
_CASELESS = frozenset({"purchase_country", "locale"})
_FIXED = frozenset({"purchase_currency", "purchase_country", "locale"})


def market_cases() -> Iterator[Case]:
    """Yield one case a market: a change of address, capture, refund, options and release, each read back."""
    for name, market in MARKETS.items():
        case_id = f"captureOrder/market/{name}"
        play = _played(_order(*market, name=name))
        yield Case(case_id, "captureOrder", "market", name, play, CODES["market"], consumes=True)


def _played(made_with: dict[str, Any]) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        control = conversation.control
        if control is None:
            raise NotMeasuredError("only a control interface makes an order of any market")
        order = {"order_id": control.create_order(**made_with)}
        _as_made(conversation, conversation.call("getOrder", order), made_with)
        moved = {**made_with["shipping_address"], "street_address2": "2nd floor"}
        conversation.call("updateConsumerDetails", order, {"shipping_address": moved})
        conversation.call("getOrder", order)
        body = {"captured_amount": 4_321, "order_lines": lines_of(4_321)}
        made = conversation.call("captureOrder", order, body)
        capture = {**order, "capture_id": made.header("Capture-Id")}
        for operation in ("getCapture", "getOptionsForExtendDueDate", "triggerSendOut"):
            conversation.call(operation, capture)
        conversation.call("getOrder", order)
        conversation.call("getCaptures", order)
        refund = conversation.call("refundOrder", order, {"refunded_amount": 1_234, "order_lines": lines_of(1_234)})
        conversation.call("getOrder", order)
        conversation.call("get", {**order, "refund_id": refund.header("Refund-Id")})
        conversation.call("updateAuthorization", order, {"order_amount": 9_001, "order_lines": lines_of(9_001)})
        conversation.call("getOrder", order)
        conversation.call("releaseRemainingAuthorization", order)
        conversation.call("getOrder", order)

    return play


def _as_made(conversation: Conversation, read: Reply, made_with: dict[str, Any]) -> None:
    """Compare what an order shows with what it was made with; a read may leave out what it likes."""
    document = read.json()
    for field, made in made_with.items():
        shown = document.get(field) if isinstance(document, dict) else None
        expected = kept(field, made)
        if field in _CASELESS and isinstance(shown, str):
            # The published examples have small letters.
            shown, expected = shown.lower(), str(expected).lower()
        if field == "initial_payment_method":
            # The service's own words for the customer.
            expected = {**expected, "description": MayShow(expected["description"])}
        if shown is not None and not shows(expected, shown):
            code = "KOM-314" if field in _FIXED else echo_code(expected, shown)
            conversation.report(code, f"{field} is {shown!r}, the order was made with {made!r}", read)


def _order(currency: str, country: str, locale: str, postal_code: str, *, name: str) -> dict[str, Any]:
    address = {**ADDRESS, "country": country, "postal_code": postal_code}
    if country == "US":
        address["region"] = "NY"
    if name == "company":
        address |= _COMPANY
    return {
        **ORDER,
        **_OWN.get(name, {}),
        "purchase_currency": currency,
        "purchase_country": country,
        "locale": locale,
        "billing_address": address,
        "shipping_address": address,
    }
