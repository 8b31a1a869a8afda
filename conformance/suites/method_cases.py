"""What an order may become by how it is paid and where: a higher total, and a longer authorisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from conformance.suites.bodies import ADDRESS, ORDER, lines_of
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES
from conformance.suites.stops import NotMeasuredError

__all__ = ["method_cases"]

# Payment method, country and currency of orders for which a rule is documented, or that are like one of those.
_METHODS: Mapping[str, tuple[str, str, str]] = {
    "card": ("CARD", "DE", "EUR"),
    "card-in-america": ("PAY_BY_CARD", "US", "USD"),
    "fixed-amount-in-sweden": ("FIXED_AMOUNT", "SE", "SEK"),
    "fixed-amount-in-italy": ("FIXED_AMOUNT", "IT", "EUR"),
    "fixed-amount-in-britain": ("FIXED_AMOUNT", "GB", "GBP"),
    "direct-debit": ("DIRECT_DEBIT", "DE", "EUR"),
    "direct-debit-in-switzerland": ("DIRECT_DEBIT", "CH", "CHF"),
    "account": ("ACCOUNT", "SE", "SEK"),
    "financing-in-america": ("FIXED_SUM_CREDIT", "US", "USD"),
}
# A lower total is always granted; the way back is an increase like any other, without lines and with.
_TOTALS = (5_000, 10_000, 12_000)


def method_cases() -> Iterator[Case]:
    """Yield a case for each: totals down and up again, an extension, and a capture of what is left."""
    for name, method in _METHODS.items():
        play = _played(*method)
        operation = "updateAuthorization"
        yield Case(
            f"{operation}/method/{name}", operation, "method", name, play, CODES["payment method"], consumes=True
        )


def _played(kind: str, country: str, currency: str) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        control = conversation.control
        if control is None:
            raise NotMeasuredError("only a control interface makes an order of any payment method")
        address = {**ADDRESS, "country": country}
        made_with = {
            **ORDER,
            "purchase_country": country,
            "purchase_currency": currency,
            "billing_address": address,
            "shipping_address": address,
            "initial_payment_method": {"type": kind, "description": "As agreed"},
        }
        order = {"order_id": control.create_order(**made_with)}
        conversation.call("getOrder", order)
        for total in _TOTALS:
            for body in ({"order_amount": total}, {"order_amount": total, "order_lines": lines_of(total)}):
                conversation.call("updateAuthorization", order, body)
                conversation.call("getOrder", order)
        conversation.call("extendAuthorizationTime", order)
        conversation.call("getOrder", order)
        conversation.call("captureOrder", order, {"captured_amount": 100})
        conversation.call("getOrder", order)
        conversation.call("extendAuthorizationTime", order)
        read = conversation.call("getOrder", order)
        document = read.json()
        left = document.get("remaining_authorized_amount") if isinstance(document, dict) else None
        if isinstance(left, int) and left > 0:
            conversation.call("captureOrder", order, {"captured_amount": left})
            conversation.call("getOrder", order)

    return play
