"""Valid bodies for each operation, fitted to the order that they are meant for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.suites.prepared_order import PreparedOrder

__all__ = ["ADDRESS", "AMOUNT_FIELD", "ORDER", "TEXT", "BodyMaker", "lines_of"]

TEXT = "Grüße aus Škofja Loka \u2013 靴 \u202eabc\u202c e\u0301 👟 \"quoted\" \\ <b>&amp;</b> 'x'"
"""Text that a careless hop breaks: several bytes a character, combining and bidirectional marks, quotes, markup."""

AMOUNT_FIELD = {
    "captureOrder": "captured_amount",
    "refundOrder": "refunded_amount",
    "updateAuthorization": "order_amount",
}

ADDRESS: Mapping[str, Any] = {
    "given_name": "Zoë",
    "family_name": "Mustermann-Łukasz",
    "title": "Dr.",
    "street_address": "Neue Schönhauser Str. 2",
    "street_address2": "Hinterhaus",
    "postal_code": "10178",
    "city": "Berlin",
    "region": "",
    "country": "DE",
    "email": "customer@email.de",
    "phone": "+49017614284340",
}

ORDER: Mapping[str, Any] = {
    "order_amount": 10_000,
    "purchase_currency": "EUR",
    "purchase_country": "DE",
    "locale": "de-DE",
    "order_lines": [
        {
            "reference": "SHOE-42",
            "type": "physical",
            "quantity": 2,
            "quantity_unit": "pair",
            "name": "Läuferschuh 靴",
            "unit_price": 4_500,
            "total_amount": 9_000,
            "tax_rate": 1_900,
            "total_tax_amount": 1_437,
            "total_discount_amount": 0,
        },
        {
            "reference": "SHIP",
            "type": "shipping_fee",
            "quantity": 1,
            "quantity_unit": "",
            "name": "Versand",
            "unit_price": 1_000,
            "total_amount": 1_000,
            "tax_rate": 1_900,
            "total_tax_amount": 160,
            "total_discount_amount": 0,
        },
    ],
    "merchant_reference1": "ORDER-2041",
    "billing_address": ADDRESS,
    "shipping_address": ADDRESS,
    "initial_payment_method": {"type": "INVOICE", "description": "Pay later"},
}
"""What a prepared order is made with: an amount of 10 000 minor units and a payment method that allows everything."""

SHIPMENT: Mapping[str, Any] = {
    "shipping_company": "dhl-express",
    "shipping_method": "Home",
    "tracking_number": "00340434161094021501",
    "tracking_uri": "https://carrier.example/track?id=00340434161094021501&lang=de",
    "return_shipping_company": "dhl-express",
    "return_tracking_number": "R-1",
    "return_tracking_uri": "https://carrier.example/return/R-1",
}


_REDUCED_FROM = 10


def lines_of(amount: int, name: str = "Läuferschuh 靴") -> list[dict[str, Any]]:
    """Make one line whose sums are right and come to this amount, in minor units, with 19 % tax inside.

    From ten minor units on it is of two pieces at a reduced price: what is right for a plain line only then shows.
    """
    # Half a minor unit rounds up, in integers.
    tax = amount - (amount * 20_000 + 11_900) // 23_800
    discount = amount // 10 + (amount + amount // 10) % 2 if amount >= _REDUCED_FROM else 0
    quantity = 2 if discount else 1
    return [
        {
            "reference": "SHOE-42",
            "type": "physical",
            "quantity": quantity,
            "quantity_unit": "pair",
            "name": name,
            "unit_price": (amount + discount) // quantity,
            "total_amount": amount,
            "tax_rate": 1_900,
            "total_tax_amount": tax,
            "total_discount_amount": discount,
        }
    ]


class BodyMaker:
    """Makes the bodies of requests about one order."""

    def __init__(self, order: PreparedOrder) -> None:
        self._order = order

    def step(self, operation: str, amount: int) -> dict[str, Any] | None:
        """Make the smallest body that does the work; None for an operation without one."""
        name = AMOUNT_FIELD.get(operation)
        if name is None:
            return None
        body: dict[str, Any] = {name: amount}
        if operation == "updateAuthorization":
            body["order_lines"] = lines_of(amount)
        return body

    def valid(self, operation: str, amount: int | None = None) -> dict[str, Any] | None:
        """Make a body that fills what an ordinary merchant fills; ``amount`` in minor units where one is needed."""
        wanted = self.amount(operation) if amount is None else amount
        match operation:
            case "captureOrder":
                return {
                    "captured_amount": wanted,
                    "description": TEXT,
                    "reference": "Rechnung №7",
                    "order_lines": lines_of(wanted),
                    "shipping_info": [dict(SHIPMENT)],
                }
            case "refundOrder":
                return {
                    "refunded_amount": wanted,
                    "description": TEXT,
                    "reference": "Gutschrift №7",
                    "order_lines": lines_of(wanted),
                }
            case "updateAuthorization":
                return {"order_amount": wanted, "description": TEXT, "order_lines": lines_of(wanted, TEXT)}
            case "appendShippingInfo" | "appendOrderShippingInfo":
                return {"shipping_info": [dict(SHIPMENT), {"shipping_company": TEXT, "tracking_number": "7"}]}
            case "updateConsumerDetails":
                return {"shipping_address": {**ADDRESS, "given_name": "Ångström", "street_address2": "日本 c/o"}}
            case "updateMerchantReferences":
                return {"merchant_reference1": TEXT, "merchant_reference2": ""}
            case "extendDueDate":
                return {"number_of_days": 10}
        return None

    def amount(self, operation: str) -> int:
        """Choose an amount that leaves room: a tenth of what may still be captured or refunded, or the same total."""
        match operation:
            case "captureOrder":
                return max(self._order.remaining // 10, 1)
            case "refundOrder":
                return max(self._order.refundable // 10, 1)
        return self._order.order_amount
