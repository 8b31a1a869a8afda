"""Tells whether a read gives back what a write carried, field by field and object by object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["EMPTY", "Among", "MayShow", "echo_code", "kept", "shows"]

# What an absent field may be written as, and the other way round.
EMPTY: tuple[Any, ...] = ("", 0, [], {}, None, False)

# Per object of a request: the fields that a read is known to give back as they were sent.
_ECHOED: Mapping[str, frozenset[str]] = {
    "order_lines": frozenset(
        {
            "reference",
            "type",
            "quantity",
            "quantity_unit",
            "name",
            "total_amount",
            "unit_price",
            "total_discount_amount",
            "tax_rate",
            "total_tax_amount",
            "product_url",
            "image_url",
        }
    ),
    "shipping_info": frozenset(
        {
            "shipping_company",
            "shipping_method",
            "tracking_number",
            "tracking_uri",
            "return_shipping_company",
            "return_tracking_number",
            "return_tracking_uri",
        }
    ),
    "shipping_address": frozenset(
        {
            "organization_name",
            "attention",
            "given_name",
            "family_name",
            "title",
            "street_address",
            "street_address2",
            "postal_code",
            "city",
            "region",
            "country",
            "email",
            "phone",
        }
    ),
}


# Those of which it is not known whether a read shows them; if it does, then as they were sent.
_PERHAPS: Mapping[str, frozenset[str]] = {
    "order_lines": frozenset({"merchant_data", "product_identifiers", "subscription"}),
}


@dataclass(frozen=True, slots=True)
class MayShow:
    """A value that a read may leave out, and must not change."""

    value: Any

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Among:
    """A list that may be any of these, of which the first is told when it is none."""

    lists: tuple[list[Any], ...]

    @property
    def value(self) -> list[Any]:
        """The first of them."""
        return self.lists[0]

    def __str__(self) -> str:
        return str(self.value)


def kept(name: str, value: Any) -> Any:
    """Reduce what was sent in a field of the body to what a read must show; unknown fields may be dropped."""
    echoed = _ECHOED.get(name)
    if echoed is None:
        return value
    if isinstance(value, list):
        return [kept(name, item) for item in value]
    if isinstance(value, dict):
        perhaps = _PERHAPS.get(name, frozenset())
        return {
            field: item if field in echoed else _perhaps(item)
            for field, item in value.items()
            if field in echoed or field in perhaps
        }
    return value


def _perhaps(value: Any) -> MayShow:
    return MayShow({name: _perhaps(item) for name, item in value.items()} if isinstance(value, dict) else value)


def shows(sent: Any, observed: Any) -> bool:
    """Tell whether a value shows what was sent; it may have gained defaults of the service."""
    if isinstance(sent, MayShow):
        return observed in EMPTY or shows(sent.value, observed)
    if isinstance(sent, Among):
        return any(shows(each, observed) for each in sent.lists)
    if isinstance(sent, dict):
        if not isinstance(observed, dict):
            return False
        return all(
            shows(value, observed[name]) if name in observed else isinstance(value, MayShow) or value in EMPTY
            for name, value in sent.items()
        )
    if isinstance(sent, list):
        return isinstance(observed, list) and len(sent) == len(observed) and all(map(shows, sent, observed))
    if isinstance(observed, str) and isinstance(sent, int | float) and not isinstance(sent, bool):
        # A number that was accepted where text is documented is given back as text.
        return str(sent) == observed
    if sent in EMPTY and observed in EMPTY:
        return True
    if isinstance(sent, float) and isinstance(observed, int) and not isinstance(observed, bool):
        # JSON has one kind of number: what was sent as 100.0 may be shown as 100.
        return sent == observed
    return type(sent) is type(observed) and bool(sent == observed)


def echo_code(wanted: Any, observed: Any) -> str:
    """Choose the finding of a field that does not show what was sent: text changed, number changed, or no effect."""
    if isinstance(wanted, MayShow | Among):
        return echo_code(wanted.value, observed)
    if isinstance(wanted, str) and isinstance(observed, str) and observed:
        return "KOM-601"
    if isinstance(wanted, list) and isinstance(observed, list) and len(wanted) == len(observed):
        pairs = zip(wanted, observed, strict=True)
        return next((echo_code(left, right) for left, right in pairs if not shows(left, right)), "KOM-405")
    if isinstance(wanted, dict) and isinstance(observed, dict):
        fields = ((value, observed.get(name)) for name, value in wanted.items())
        return next((echo_code(left, right) for left, right in fields if not shows(left, right)), "KOM-405")
    if isinstance(wanted, int) and isinstance(observed, int | float):
        return "KOM-602"
    return "KOM-405"
