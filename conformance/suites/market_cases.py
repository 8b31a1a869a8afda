"""Orders of several markets: what is right for one currency and country must be right for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from conformance.suites.bodies import ADDRESS, ORDER, lines_of
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES
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
}


def market_cases() -> Iterator[Case]:
    """Yield one case a market: a change of address, capture, refund, options and release, each read back."""
    for name, market in MARKETS.items():
        case_id = f"captureOrder/market/{name}"
        yield Case(case_id, "captureOrder", "market", name, _played(market), CODES["market"], consumes=True)


def _played(market: tuple[str, str, str, str]) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        control = conversation.control
        if control is None:
            raise NotMeasuredError("only a control interface makes an order of any market")
        made_with = _order(*market)
        order = {"order_id": control.create_order(**made_with)}
        read = conversation.call("getOrder", order)
        document = read.json()
        for field in ("purchase_currency", "purchase_country", "locale"):
            # A read may leave it out.
            if isinstance(document, dict) and document.get(field, made_with[field]) != made_with[field]:
                message = f"{field} is {document[field]!r}, the order was made with {made_with[field]!r}"
                conversation.report("KOM-314", message, read)
        moved = {**made_with["shipping_address"], "street_address2": "2nd floor"}
        conversation.call("updateConsumerDetails", order, {"shipping_address": moved})
        conversation.call("getOrder", order)
        body = {"captured_amount": 4_321, "order_lines": lines_of(4_321)}
        made = conversation.call("captureOrder", order, body)
        capture = {**order, "capture_id": made.header("Capture-Id")}
        for operation, sent in (
            ("getCapture", None),
            ("getOptionsForExtendDueDate", None),
            ("triggerSendOut", None),
        ):
            conversation.call(operation, capture, sent)
        conversation.call("getOrder", order)
        refund = conversation.call("refundOrder", order, {"refunded_amount": 1_234, "order_lines": lines_of(1_234)})
        conversation.call("getOrder", order)
        conversation.call("get", {**order, "refund_id": refund.header("Refund-Id")})
        conversation.call("updateAuthorization", order, {"order_amount": 9_001, "order_lines": lines_of(9_001)})
        conversation.call("getOrder", order)
        conversation.call("releaseRemainingAuthorization", order)
        conversation.call("getOrder", order)

    return play


def _order(currency: str, country: str, locale: str, postal_code: str) -> dict[str, Any]:
    address = {**ADDRESS, "country": country, "postal_code": postal_code}
    if country == "US":
        address["region"] = "NY"
    return {
        **ORDER,
        "purchase_currency": currency,
        "purchase_country": country,
        "locale": locale,
        "billing_address": address,
        "shipping_address": address,
    }
