"""Clients that send the wrong body: its form, its numbers and fields, its text."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from conformance.clients.broken.mutation import Broken, broken
from conformance.clients.reference.answer import Answer, Lost
from conformance.clients.reference.call import INTEGER_FIELDS, Call, WireRequest

__all__: list[str] = []

_AMOUNTS = INTEGER_FIELDS - {"interval_count", "number_of_days", "quantity", "shipping_delay", "tax_rate"}


def _mapped(value: Any, change: Callable[[str, Any], Any], name: str = "") -> Any:
    """Return JSON data with ``change`` applied to every leaf, which is told the name of its field."""
    if isinstance(value, dict):
        return {key: _mapped(part, change, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_mapped(part, change, name) for part in value]
    return change(name, value)


class _Rewriting(Broken):
    """Rewrites the body after the reference client has checked it."""

    def _build(self, call: Call) -> WireRequest:
        request = super()._build(call)
        if request.body is None:
            return request
        body = self._body(call, json.loads(request.body))
        return replace(request, body=body if isinstance(body, bytes) else json.dumps(body).encode())

    def _body(self, call: Call, body: Any) -> Any:
        return _mapped(body, self._leaf)

    def _leaf(self, name: str, value: Any) -> Any:
        return value


# --- its form --------------------------------------------------------------------------------------------------------


@broken("media", "request/captureOrder", "Every write with a body is refused.")
class BodyAsForm(_Rewriting):
    """Sends the fields as a form."""

    def _body(self, call: Call, body: Any) -> Any:
        return urlencode(body).encode()


@broken("media", "request/captureOrder", "Every write with a body is refused.")
class BodyAsText(_Rewriting):
    """Writes the JSON as a JSON text."""

    def _body(self, call: Call, body: Any) -> Any:
        return json.dumps(body)


# --- numbers and fields ---------------------------------------------------------------------------------------------


@broken(
    "numbers",
    "amounts/updateAuthorization/zero",
    "An authorisation set to zero keeps its old amount, or the call fails.",
)
class ZeroVanishes(_Rewriting):
    """Leaves out every field whose value is zero."""

    def _body(self, call: Call, body: Any) -> Any:
        return {name: value for name, value in body.items() if value != 0 or value is False}


@broken("numbers", "amounts/captureOrder/one", "A server that wants integers refuses every amount.")
class AmountsAsFloat(_Rewriting):
    """Sends amounts with a decimal point."""

    def _leaf(self, name: str, value: Any) -> Any:
        return float(value) if name in _AMOUNTS else value


@broken("numbers", "amounts/captureOrder/one", "A server that wants integers refuses every amount.")
class AmountsAsText(_Rewriting):
    """Sends amounts in quotes."""

    def _leaf(self, name: str, value: Any) -> Any:
        return str(value) if name in _AMOUNTS else value


@broken("numbers", "request/captureOrder", "A hundredth of the price is charged.")
class MajorUnits(_Rewriting):
    """Sends amounts in whole currency units."""

    def _leaf(self, name: str, value: Any) -> Any:
        return value // 100 if name in _AMOUNTS else value


@broken("numbers", "amounts/captureOrder/two-to-the-31", "Large amounts turn into negative ones.")
class AmountsOf32Bits(_Rewriting):
    """Keeps amounts in 32 bits."""

    def _leaf(self, name: str, value: Any) -> Any:
        return (value + 2**31) % 2**32 - 2**31 if name in _AMOUNTS else value


@broken("numbers", "request/captureOrder", "What the merchant never said may one day mean something.")
class FieldInvented(_Rewriting):
    """Adds a field of its own."""

    def _body(self, call: Call, body: Any) -> Any:
        return {**body, "currency": "EUR"}


@broken("numbers", "request/updateAuthorization", "A null can be refused, or clear what should have stayed.")
class NullForAbsent(_Rewriting):
    """Sends null for every optional field that is absent."""

    def _body(self, call: Call, body: Any) -> Any:
        return {"description": None, "reference": None, **body}


@broken("numbers", "request/captureOrder", "Nothing is ever captured: the one required field has another name.")
class FieldMisspelt(_Rewriting):
    """Calls the amounts of captures and refunds by other names."""

    def _body(self, call: Call, body: Any) -> Any:
        return {
            name.replace("captured_", "capture_").replace("refunded_", "refund_"): value for name, value in body.items()
        }


@broken("numbers", "request/appendShippingInfo", "No tracking number ever arrives.")
class ShipmentsBare(_Rewriting):
    """Sends the list of shipments without the object around it."""

    def _body(self, call: Call, body: Any) -> Any:
        return body.get("shipping_info", body)


@broken("numbers", "request/updateAuthorization", "An update of the total deletes every line of the order.")
class LinesDropped(_Rewriting):
    """Leaves the order lines out."""

    def _body(self, call: Call, body: Any) -> Any:
        return {name: value for name, value in body.items() if name != "order_lines"}


# --- text -----------------------------------------------------------------------------------------------------------


@broken("text", "exact/write/captureOrder", "A reference that was matched byte for byte matches no longer.")
class UnicodeNormalised(_Rewriting):
    """Composes what was sent decomposed."""

    def _leaf(self, name: str, value: Any) -> Any:
        return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


@broken("text", "exact/write/captureOrder", "Letters turn into question marks, and the body may not be read at all.")
class BodyInLatin1(_Rewriting):
    """Writes JSON in Latin-1."""

    def _body(self, call: Call, body: Any) -> Any:
        return json.dumps(body, ensure_ascii=False).encode("latin-1", errors="replace")


@broken("text", "exact/write/refundOrder", "A reference with two spaces is another reference.")
class SpacesCondensed(_Rewriting):
    """Trims text and condenses the spaces in it."""

    def _leaf(self, name: str, value: Any) -> Any:
        return " ".join(value.split()) if isinstance(value, str) else value


@broken("text", "exact/write/captureOrder", "The end of a description is lost.")
class TextCutShort(_Rewriting):
    """Cuts text at twenty characters."""

    def _leaf(self, name: str, value: Any) -> Any:
        return value[:20] if isinstance(value, str) else value


@broken("text", "exact/write/captureOrder", "Customers read entities on their bill.")
class TextAsMarkup(_Rewriting):
    """Escapes text as if for a web page."""

    def _leaf(self, name: str, value: Any) -> Any:
        return value.replace("&", "&amp;").replace("<", "&lt;") if isinstance(value, str) else value


@broken("text", "exact/write/captureOrder", "Names and emoji beyond the first plane vanish.")
class AstralDropped(_Rewriting):
    """Drops characters that need four bytes."""

    def _leaf(self, name: str, value: Any) -> Any:
        return (
            "".join(character for character in value if ord(character) < 0x10000) if isinstance(value, str) else value
        )


@broken("text", "exact/read/unicode", "Names come back garbled, and garbled they are written back.")
class AnswersInLatin1(Broken):
    """Reads answers as Latin-1."""

    def _read(self, call: Call, outcome: Answer | Lost) -> Any:
        if isinstance(outcome, Answer):
            outcome = replace(outcome, body=outcome.body.decode("latin-1").encode())
        return super()._read(call, outcome)
