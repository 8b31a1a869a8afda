"""Faults at the limits of the description: what must be refused is accepted, what must be accepted is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import asked, refused
from conformance.simulator.faults.fault import BODIES, Behaviour, Fault, FaultClass

__all__ = ["FAULTS"]

_CLASS = FaultClass.ERROR_TABLE
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


def _lenient(call: Call) -> Response:
    """Read the first JSON value of a body and ignore what follows."""
    try:
        value, end = json.JSONDecoder().raw_decode(call.request.body.decode())
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


def _mail_without_at(value: Any) -> bool:
    return isinstance(value, str) and value != "" and "@" not in value


_TEXT_IN_BYTES: Mapping[str, int] = {"description": 255, "reference": 255}


def _counted_in_bytes(call: Call) -> bool:
    return any(_more_bytes_than(size)(call.sent.get(name)) for name, size in _TEXT_IN_BYTES.items())


def _is_number_text(value: Any) -> bool:
    return isinstance(value, str) and value.isdigit()


def _real(value: Any) -> bool:
    return isinstance(value, float)


def _nothing(value: Any) -> bool:
    return value is None


FAULTS = (
    Fault("reference-256-accepted", _CLASS, ("updateMerchantReferences",), "A reference of 256 characters is accepted",
          "The order number is cut somewhere later and no longer found.", "OM-ERROR-07",
          _accepted(_longer_than(255), _shortened(255), "merchant_reference2")),
    Fault("reference-255-refused", _CLASS, ("updateMerchantReferences",), "A reference of 255 characters is refused",
          "Orders with the longest permitted number cannot be filed.", "OM-ERROR-08",
          _refused(_longer_than(254), "merchant_reference1")),
    Fault("description-in-bytes", _CLASS, ("captureOrder", "refundOrder"), "The length of a text is counted in bytes",
          "Merchants who write Japanese or Greek can use a third of the room.", "OM-ERROR-08",
          refused(*_UNPROCESSABLE, "The size of the description value must be between 0 and 255",
                  when=_counted_in_bytes)),
    Fault("description-any-length", _CLASS, ("refundOrder",), "A description of any length is accepted",
          "What the customer reads is cut without notice.", "OM-ERROR-07",
          _accepted(_longer_than(255), _shortened(255), "description")),
    Fault("city-in-bytes", _CLASS, ("updateConsumerDetails",), "The length of a town is counted in bytes",
          "Parcels to towns with long names cannot be redirected.", "OM-ERROR-08",
          _refused(_more_bytes_than(200), "shipping_address", "city")),
    Fault("postal-code-11-accepted", _CLASS, ("updateConsumerDetails",), "A postal code of 11 characters is accepted",
          "The parcel goes to a code that is cut.", "OM-ERROR-07",
          _accepted(_longer_than(10), _shortened(10), "shipping_address", "postal_code")),
    Fault("lines-1001-accepted", _CLASS, ("captureOrder",), "A list of 1,001 lines is accepted",
          "Lines beyond the limit are lost from the invoice.", "OM-ERROR-07",
          _accepted(_longer_than(1_000), _shortened(1_000), "order_lines")),
    Fault("lines-1000-refused", _CLASS, ("refundOrder",), "A list of 1,000 lines is refused",
          "The largest permitted refund cannot be made.", "OM-ERROR-08", _refused(_longer_than(999), "order_lines")),
    Fault("parcels-501-accepted", _CLASS, ("appendShippingInfo",), "A list of 501 parcels is accepted",
          "The last parcel is lost.", "OM-ERROR-07", _accepted(_longer_than(500), _shortened(500), "shipping_info")),
    Fault("no-parcels-accepted", _CLASS, ("appendOrderShippingInfo",), "An empty list of parcels is accepted",
          "A shop with a bug is told that its parcels are on file.", "OM-ERROR-07",
          _accepted(lambda value: value == [], [{}], "shipping_info")),
    Fault("parcels-missing-accepted", _CLASS, ("appendShippingInfo",), "Missing parcels are accepted",
          "A shop with a bug is told that its parcels are on file.", "OM-ERROR-07",
          _default("shipping_info", [{}])),
    Fault("largest-capture-refused", _CLASS, ("captureOrder",), "The largest permitted capture is refused",
          "An order of two million cannot be captured at once.", "OM-MONEY-06",
          _refused(lambda value: value == 200_000_000, "captured_amount")),
    Fault("above-largest-accepted", _CLASS, ("updateAuthorization",), "An amount above the largest is accepted",
          "An authorisation beyond what the service can settle.", "OM-ERROR-07",
          _accepted(lambda value: isinstance(value, int) and value > 200_000_000, 200_000_000, "order_amount")),
    Fault("capture-amount-wraps", _CLASS, ("captureOrder",), "An amount above 2^31 is read modulo 2^32",
          "A wild amount is booked as a small one instead of being refused.", "OM-ERROR-07",
          _accepted(lambda value: isinstance(value, int) and value > 2**31, _wraps, "captured_amount")),
    Fault("negative-refund-accepted", _CLASS, ("refundOrder",), "A negative refund is accepted",
          "A sign mistake is told as a refund that the customer never gets.", "OM-ERROR-07",
          _accepted(lambda value: isinstance(value, int) and value < 0, abs, "refunded_amount")),
    Fault("refund-without-amount", _CLASS, ("refundOrder",), "A refund without an amount is accepted",
          "A shop with a bug refunds what it never named.", "OM-ERROR-07", _default("refunded_amount", 1)),
    Fault("capture-amount-as-text", _CLASS, ("captureOrder",), "An amount written as text is accepted",
          "A client's type mistake goes unnoticed until the real service refuses it.", "OM-ERROR-07",
          _accepted(_is_number_text, int, "captured_amount")),
    Fault("fraction-rounded", _CLASS, ("refundOrder",), "A fraction of a minor unit is rounded",
          "Amounts in major units are refunded as a hundredth.", "OM-ERROR-07",
          _accepted(_real, int, "refunded_amount")),
    Fault("null-amount-accepted", _CLASS, ("updateAuthorization",), "A null amount keeps the present one",
          "A shop with a bug is told that its order was changed.", "OM-ERROR-07",
          _accepted(_nothing, 10_000, "order_amount")),
    Fault("days-as-text", _CLASS, ("extendDueDate",), "A number of days written as text is accepted",
          "A client's type mistake goes unnoticed until the real service refuses it.", "OM-ERROR-07",
          _accepted(_is_number_text, 10, "number_of_days")),
    Fault("unknown-line-type-accepted", _CLASS, ("captureOrder",), "A line of an unknown type is accepted",
          "The line is invoiced as goods with the wrong tax.", "OM-ERROR-07",
          _accepted(lambda value: value == "NO_SUCH_VALUE", "physical", "order_lines", "type")),
    Fault("shipping-method-refused", _CLASS, ("appendShippingInfo",), "One documented shipping method is refused",
          "Parcels in pallets cannot be filed.", "OM-ERROR-08",
          _refused(lambda value: value == "PalletDelivery", "shipping_info", "shipping_method")),
    Fault("gift-card-line-refused", _CLASS, ("updateAuthorization",), "Lines of the type gift_card are refused",
          "Orders paid in part with a gift card cannot be changed.", "OM-ERROR-08",
          _refused(lambda value: value == "gift_card", "order_lines", "type")),
    Fault("line-without-name-accepted", _CLASS, ("updateAuthorization",), "A line without a name is accepted",
          "The customer's invoice lists nothing.", "OM-ERROR-07", asked(_without_required_line_fields)),
    Fault("negative-tax-rate-accepted", _CLASS, ("refundOrder",), "A negative tax rate is accepted",
          "The tax of the refund is wrong.", "OM-ERROR-07",
          _accepted(lambda value: isinstance(value, int) and value < 0, 0, "order_lines", "tax_rate")),
    Fault("subscription-interval-accepted", _CLASS, ("captureOrder",), "An unknown interval of a subscription passes",
          "The subscription never recurs.", "OM-ERROR-07",
          _accepted(lambda value: value == "NO_SUCH_VALUE", "DAY", "order_lines", "subscription", "interval")),
    Fault("address-text-for-object", _CLASS, ("updateConsumerDetails",), "A text in place of the address is accepted",
          "The shop is told that the parcel was redirected.", "OM-ERROR-07",
          _accepted(lambda value: isinstance(value, str), {}, "shipping_address")),
    Fault("mail-without-at-refused", _CLASS, ("updateConsumerDetails",), "An e-mail address without @ is refused",
          "A rule that nobody documented stops the redirection of a parcel.", "OM-ERROR-08",
          _refused(_mail_without_at, "shipping_address", "email")),
    Fault("unknown-field-refused", _CLASS, ("appendOrderShippingInfo", "refundOrder"), "A field too many is refused",
          "Clients that send more than one version knows stop working.", "OM-ERROR-08",
          refused(*_UNPROCESSABLE, "'no_such_field' is not known", when=_unknown_fields)),
    Fault("charset-refused", _CLASS, ("captureOrder",), "JSON that is declared with a charset is refused",
          "Half of all HTTP clients cannot capture.", "OM-ERROR-08",
          refused(415, "UNSUPPORTED_MEDIA_TYPE", when=_charset)),
    Fault("text-after-json-accepted", _CLASS, ("captureOrder",), "What follows the JSON of a body is ignored",
          "Two captures glued together are carried out as one.", "OM-ERROR-07", _lenient),
    Fault("last-comma-accepted", _CLASS, ("captureOrder",), "A comma before the last brace is accepted",
          "A client's mistake goes unnoticed until the real service refuses it.", "OM-ERROR-07", _last_comma),
    Fault("list-for-object-accepted", _CLASS, ("updateMerchantReferences",), "A list in place of the body is accepted",
          "The shop is told that its order number is on file.", "OM-ERROR-07", _wrapped),
    Fault("tracking-number-100-refused", _CLASS, ("appendShippingInfo", "appendOrderShippingInfo"),
          "A tracking number of the longest permitted length is refused", "Parcels of one carrier cannot be filed.",
          "OM-ERROR-08", _refused(_longer_than(99), "shipping_info", "tracking_number")),
)
