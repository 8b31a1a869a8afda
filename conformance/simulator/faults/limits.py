"""Faults at the limits of the description: what must be refused is accepted, what must be accepted is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import asked, refused
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]

_UNPROCESSABLE = 422, "UNPROCESSABLE_ENTITY"
_MISSING = object()


def _refused(when: Callable[[Any], bool], *path: str) -> Behaviour:
    """Refuse a valid value of a field."""

    def meant(call: Call) -> bool:
        return any(when(value) for value in _values(call.sent, path))

    return refused(*_UNPROCESSABLE, f"'{path[-1]}' is not valid", when=meant)


def _accepted(when: Callable[[Any], bool], instead: Any, *path: str) -> Behaviour:
    """Accept an invalid value of a field, and carry out another in its place (``_MISSING``: none)."""

    def change(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
        changed: dict[str, Any] = _replaced(sent, path, when, instead)
        return changed

    return asked(change)


def _values(value: Any, path: tuple[str, ...]) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in _values(item, path)]
    if not path:
        return [value]
    if not isinstance(value, dict) or path[0] not in value:
        return []
    return [value[path[0]]] if len(path) == 1 else _values(value[path[0]], path[1:])


def _replaced(value: Any, path: tuple[str, ...], when: Callable[[Any], bool], instead: Any) -> Any:
    if isinstance(value, list):
        return [_replaced(item, path, when, instead) for item in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    changed = dict(value)
    if len(path) > 1:
        changed[path[0]] = _replaced(value[path[0]], path[1:], when, instead)
    elif when(value[path[0]]):
        if instead is _MISSING:
            del changed[path[0]]
        else:
            changed[path[0]] = instead(value[path[0]]) if callable(instead) else instead
    return changed


def _longer_than(length: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str | list) and len(value) > length


def _more_bytes_than(size: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value.encode("utf-8", "replace")) > size


def _shortened(length: int) -> Callable[[Any], Any]:
    return lambda value: value[:length]


def _default(name: str, value: Any) -> Behaviour:
    """Fill in a required field that is missing."""

    def behave(call: Call) -> Response:
        if not call.request.body.lstrip().startswith(b"{") or name in call.sent:
            return call.proceed()
        return call.proceed(call.rewritten({**call.sent, name: value}))

    return behave


def _without_required_line_fields(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    lines = sent.get("order_lines")
    if not isinstance(lines, list):
        return sent
    filled = [{"name": "-", **line} if isinstance(line, dict) else line for line in lines]
    return {**sent, "order_lines": filled}


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _lenient(call: Call) -> Response:
    """Read the first JSON value of a body and ignore what follows."""
    try:
        value, end = json.JSONDecoder(parse_constant=_no_number).raw_decode(call.request.body.decode())
    except (ValueError, RecursionError):
        return call.proceed()
    if not isinstance(value, dict) or not call.request.body[end:].strip():
        return call.proceed()
    return call.proceed(call.rewritten(value))


def _last_comma(call: Call) -> Response:
    body = call.request.body.replace(b",}", b"}")
    if body == call.request.body:
        return call.proceed()
    try:
        return call.proceed(call.rewritten({"captured_amount": 1, **json.loads(body)}))
    except ValueError:
        return call.proceed()


def _wrapped(call: Call) -> Response:
    """Take the first object of a list for the body."""
    if call.request.body.strip() == b"[]":
        return call.proceed(call.rewritten({}))
    return call.proceed()


def _unknown_fields(call: Call) -> bool:
    return bool(call.sent) and "no_such_field" in call.sent


def _wraps(value: Any) -> int:
    """Read a number as a machine with 32 bits would."""
    wrapped: int = (value + 2**31) % 2**32 - 2**31
    return wrapped


def _charset(call: Call) -> bool:
    return "charset" in (call.request.headers.get("Content-Type") or "").lower()


_TEXT_IN_BYTES: Mapping[str, int] = {"description": 255, "reference": 255}


def _counted_in_bytes(call: Call) -> bool:
    return any(_more_bytes_than(size)(call.sent.get(name)) for name, size in _TEXT_IN_BYTES.items())


def _is_number_text(value: Any) -> bool:
    return isinstance(value, str) and value.isdigit()


def _real(value: Any) -> bool:
    return isinstance(value, float)


def _nothing(value: Any) -> bool:
    return value is None


def _unknown_in_parcel(call: Call) -> bool:
    parcels = call.sent.get("shipping_info")
    return isinstance(parcels, list) and any(
        "no_such_field" in parcel for parcel in parcels if isinstance(parcel, dict)
    )


def _names_integrator(call: Call) -> bool:
    return "Klarna-Integrator" in call.request.headers


def _any_days(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    return {**sent, "number_of_days": 10} if sent.get("number_of_days") == 13 else sent


BEHAVIOURS: Mapping[str, Behaviour] = {
    "reference-256-accepted": _accepted(_longer_than(255), _shortened(255), "merchant_reference2"),
    "reference-255-refused": _refused(_longer_than(254), "merchant_reference1"),
    "description-in-bytes": refused(
        *_UNPROCESSABLE, "The size of the description value must be between 0 and 255", when=_counted_in_bytes
    ),
    "description-any-length": _accepted(_longer_than(255), _shortened(255), "description"),
    "postal-code-11-accepted": _accepted(_longer_than(10), "10178", "shipping_address", "postal_code"),
    "lines-1001-accepted": _accepted(_longer_than(1_000), _shortened(1_000), "order_lines"),
    "lines-1000-refused": _refused(_longer_than(999), "order_lines"),
    "parcels-501-accepted": _accepted(_longer_than(500), _shortened(500), "shipping_info"),
    "no-parcels-accepted": _accepted(lambda value: value == [], [{}], "shipping_info"),
    "parcels-missing-accepted": _default("shipping_info", [{}]),
    "largest-capture-refused": _refused(lambda value: value == 200_000_000, "captured_amount"),
    "above-largest-accepted": _accepted(
        lambda value: isinstance(value, int) and value > 200_000_000, 200_000_000, "order_amount"
    ),
    "capture-amount-wraps": _accepted(
        lambda value: isinstance(value, int) and value > 2**31, _wraps, "captured_amount"
    ),
    "negative-refund-accepted": _accepted(lambda value: isinstance(value, int) and value < 0, abs, "refunded_amount"),
    "refund-without-amount": _default("refunded_amount", 1),
    "capture-amount-as-text": _accepted(_is_number_text, int, "captured_amount"),
    "fraction-rounded": _accepted(_real, int, "refunded_amount"),
    "null-amount-accepted": _accepted(_nothing, 10_000, "order_amount"),
    "days-as-text": _accepted(_is_number_text, 10, "number_of_days"),
    "unknown-line-type-accepted": _accepted(lambda value: value == "NO_SUCH_VALUE", "physical", "order_lines", "type"),
    "shipping-method-refused": _refused(lambda value: value == "PalletDelivery", "shipping_info", "shipping_method"),
    "gift-card-line-refused": _refused(lambda value: value == "gift_card", "order_lines", "type"),
    "line-without-name-accepted": asked(_without_required_line_fields),
    "negative-tax-rate-accepted": _accepted(
        lambda value: isinstance(value, int) and value < 0, 0, "order_lines", "tax_rate"
    ),
    "subscription-interval-accepted": _accepted(
        lambda value: value == "NO_SUCH_VALUE", "DAY", "order_lines", "subscription", "interval"
    ),
    "address-text-for-object": _accepted(lambda value: isinstance(value, str), {}, "shipping_address"),
    "unknown-field-refused": refused(*_UNPROCESSABLE, "'no_such_field' is not known", when=_unknown_fields),
    "unknown-field-in-parcel-refused": refused(
        *_UNPROCESSABLE, "'shipping_info/no_such_field' is not known", when=_unknown_in_parcel
    ),
    "integrator-refused": refused(*_UNPROCESSABLE, "Klarna-Integrator is not known", when=_names_integrator),
    "days-not-on-offer-accepted": asked(_any_days),
    "charset-refused": refused(415, "UNSUPPORTED_MEDIA_TYPE", when=_charset),
    "text-after-json-accepted": _lenient,
    "last-comma-accepted": _last_comma,
    "list-for-object-accepted": _wrapped,
    "tracking-number-100-refused": _refused(_longer_than(99), "shipping_info", "tracking_number"),
}
