"""The form in which values are shown: which fields, in the recorded order, with the defaults that reading fills in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["ADDRESS", "CUSTOMER", "LINE", "ORDER_FIELDS", "SHIPPING_INFO", "encode", "listed", "project"]


class _Absent:
    """Marks a field that is left out when it was not given."""


_ABSENT: Final = _Absent()

Shape = tuple[tuple[str, Any], ...]

# Each shape pairs a field with what is shown when it was not given. Fields that are not listed are dropped, as the
# service drops what it does not know.
LINE: Shape = (
    ("reference", _ABSENT),
    ("type", _ABSENT),
    ("quantity", _ABSENT),
    ("quantity_unit", ""),
    ("name", _ABSENT),
    ("total_amount", _ABSENT),
    ("unit_price", _ABSENT),
    ("total_discount_amount", 0),
    ("tax_rate", 0),
    ("total_tax_amount", 0),
    ("product_url", _ABSENT),
    ("image_url", _ABSENT),
    ("merchant_data", _ABSENT),
    ("product_identifiers", _ABSENT),
    ("subscription", _ABSENT),
)
ADDRESS: Shape = (
    ("organization_name", _ABSENT),
    ("attention", _ABSENT),
    ("given_name", _ABSENT),
    ("family_name", _ABSENT),
    ("title", ""),
    ("street_address", _ABSENT),
    ("street_address2", ""),
    ("postal_code", _ABSENT),
    ("city", _ABSENT),
    ("region", ""),
    ("country", _ABSENT),
    ("email", _ABSENT),
    ("phone", _ABSENT),
)
SHIPPING_INFO: Shape = (
    ("shipping_company", _ABSENT),
    ("shipping_method", _ABSENT),
    ("tracking_number", _ABSENT),
    ("tracking_uri", _ABSENT),
    ("return_shipping_company", _ABSENT),
    ("return_tracking_number", _ABSENT),
    ("return_tracking_uri", _ABSENT),
)
CUSTOMER: Shape = (
    ("date_of_birth", _ABSENT),
    ("national_identification_number", _ABSENT),
    ("type", _ABSENT),
)

# The recorded order of the order's own fields; those without a recorded place stand at the end.
ORDER_FIELDS = (
    "order_id",
    "status",
    "fraud_status",
    "order_amount",
    "original_order_amount",
    "captured_amount",
    "refunded_amount",
    "remaining_authorized_amount",
    "purchase_currency",
    "locale",
    "order_lines",
    "merchant_reference1",
    "merchant_reference2",
    "klarna_reference",
    "customer",
    "billing_address",
    "shipping_address",
    "created_at",
    "purchase_country",
    "expires_at",
    "captures",
    "refunds",
    "initial_payment_method",
    "merchant_data",
    "selected_shipping_option",
    "shipping_info",
)

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def encode(value: Any) -> bytes:
    """Write a value as compact JSON in UTF-8; text is kept as it is, never escaped beyond what JSON demands.

    What no UTF-8 can carry (bytes of a path that were not text) becomes a question mark.
    """
    return _ENCODER.encode(value).encode("utf-8", "replace")


def project(value: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """Return the fields of a shape in its order, defaults filled in and everything unknown left out."""
    shown = {}
    for name, default in shape:
        if name in value:
            shown[name] = value[name]
        elif default is not _ABSENT:
            shown[name] = default
    return shown


def listed(fragments: Iterable[bytes]) -> bytes:
    """Join encoded values into an encoded array."""
    return b"[" + b",".join(fragments) + b"]"
