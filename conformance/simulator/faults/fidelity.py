"""Faults of fidelity: text and numbers that come back otherwise than they were sent."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from conformance.exchange import Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import asked, each_text, in_json, in_success, with_body
from conformance.simulator.faults.fault import BODIES, Behaviour, Fault, FaultClass

__all__ = ["FAULTS"]

_CLASS = FaultClass.FIDELITY
_REFERENCES = frozenset({"merchant_reference1", "merchant_reference2"})
_DESCRIPTION = frozenset({"description"})
_PARCEL = frozenset({"tracking_number", "shipping_company", "return_tracking_number"})
_ADDRESS = frozenset({"given_name", "family_name", "street_address", "street_address2", "city"})
_NAME = frozenset({"name"})


def _stored(names: frozenset[str], change: Callable[[str], Any]) -> Behaviour:
    """Keep the texts of some fields otherwise than they were sent."""

    def edit(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
        changed: dict[str, Any] = each_text(sent, names, change)
        return changed

    return asked(edit)


def _shown(names: frozenset[str], change: Callable[[str], Any]) -> Behaviour:
    """Show the texts of some fields otherwise than they are kept."""
    return in_json(lambda value, _call: each_text(value, names, change))


def _lines(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Behaviour:
    """Keep lines otherwise than they were sent."""

    def edit(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
        lines = sent.get("order_lines")
        if not isinstance(lines, list):
            return sent
        return {**sent, "order_lines": [change(line) if isinstance(line, dict) else line for line in lines]}

    return asked(edit)


def _mistaken_encoding(text: str) -> str:
    return text.encode().decode("latin-1")


def _ascii_only(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")


def _without_emoji(text: str) -> str:
    return "".join(sign for sign in text if ord(sign) < 0x1_0000)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _without_marks(text: str) -> str:
    return "".join(sign for sign in text if unicodedata.category(sign) != "Cf")


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _one_blank(text: str) -> str:
    return " ".join(text.split(" ")) if "  " not in text else text.replace("  ", " ")


def _number_if_possible(text: str) -> str:
    return str(int(text)) if text.isascii() and text.isdigit() else text


def _null_if_named(text: str) -> str:
    return "" if text.lower() in ("null", "none", "undefined") else text


def _json_value(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


def _latin_1(response: Response, _call: Call) -> Response:
    return with_body(response, response.body.decode().encode("latin-1", "replace"))


def _reversed_lines(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    lines = sent.get("order_lines")
    return {**sent, "order_lines": sorted(lines, key=str)[::-1]} if isinstance(lines, list) else sent


def _merged_lines(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    lines = sent.get("order_lines")
    if not isinstance(lines, list):
        return sent
    return {**sent, "order_lines": [line for index, line in enumerate(lines) if line not in lines[:index]]}


def _tax_rounded(line: dict[str, Any]) -> dict[str, Any]:
    rate = line.get("tax_rate")
    return {**line, "tax_rate": rate // 100} if isinstance(rate, int) and rate >= 100 else line


def _without_discount(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "total_tax_amount": 0} if isinstance(line.get("total_tax_amount"), int) else line


def _one_piece(line: dict[str, Any]) -> dict[str, Any]:
    total = line.get("total_amount")
    if isinstance(total, int) and total > 2**24:
        return {**line, "unit_price": line.get("unit_price", 0) // 10 * 10}
    return line


FAULTS = (
    Fault("description-cut-at-100", _CLASS, ("captureOrder",), "A description is cut after 100 characters",
          "The customer's invoice ends in the middle of a sentence.", "OM-TEXT-01",
          _stored(_DESCRIPTION, lambda text: text[:100])),
    Fault("refund-description-shouts", _CLASS, ("get",), "A single refund shows its description in capitals",
          "Article numbers that differ in case become one.", "OM-TEXT-01", _shown(_DESCRIPTION, str.upper)),
    Fault("reference-composed", _CLASS, ("updateMerchantReferences",), "References are normalised to composed letters",
          "An order is no longer found by the number that it was filed under.", "OM-TEXT-01",
          _stored(_REFERENCES, _composed)),
    Fault("city-compatible", _CLASS, ("updateConsumerDetails",), "Addresses are normalised to compatible letters",
          "Ligatures and wide letters of an address change.", "OM-TEXT-01", _stored(_ADDRESS, _compatible)),
    Fault("blanks-stripped", _CLASS, ("refundOrder", "captureOrder"), "Blanks at both ends of a text are dropped",
          "Fixed-width references no longer match.", "OM-TEXT-01", _stored(_DESCRIPTION, str.strip)),
    Fault("blanks-joined", _CLASS, ("appendShippingInfo",), "Two blanks in a row become one",
          "A tracking number that was padded is not found.", "OM-TEXT-01", _stored(_PARCEL, _one_blank)),
    Fault("emoji-dropped", _CLASS, ("refundOrder",), "Characters beyond the basic plane are dropped",
          "Names written with rare characters lose letters.", "OM-TEXT-01", _stored(_DESCRIPTION, _without_emoji)),
    Fault("ascii-with-question-marks", _CLASS, ("appendOrderShippingInfo",), "Letters beyond ASCII become question marks",
          "A carrier's name cannot be read.", "OM-TEXT-01", _stored(_PARCEL, _ascii_only)),
    Fault("read-as-latin-1", _CLASS, ("updateConsumerDetails",), "UTF-8 is taken for Latin-1",
          "Umlauts on the parcel turn into two signs each.", "OM-TEXT-01", _stored(_ADDRESS, _mistaken_encoding)),
    Fault("answered-in-latin-1", _CLASS, ("getCapture",), "A capture is answered in Latin-1",
          "Clients that read JSON as UTF-8 fail on every umlaut.", "OM-SURFACE-10", in_success(_latin_1)),
    Fault("listed-captures-ascii", _CLASS, ("getCaptures",), "The list of captures shows descriptions in ASCII",
          "The invoice text of a capture depends on how it is read.", "OM-STATE-11", _shown(_DESCRIPTION, _ascii_only)),
    Fault("markup-escaped", _CLASS, ("captureOrder",), "Markup in a text comes back escaped",
          "The customer reads &amp;amp; on the invoice.", "OM-TEXT-01", _stored(_DESCRIPTION | _NAME, html.escape)),
    Fault("entities-resolved", _CLASS, ("updateMerchantReferences",), "Entities in a text are resolved",
          "A reference with &lt; is found no more.", "OM-TEXT-01", _stored(_REFERENCES, html.unescape)),
    Fault("line-ends-changed", _CLASS, ("captureOrder",), "Line ends in a text are changed",
          "Signatures over the text no longer hold.", "OM-TEXT-01", _stored(_DESCRIPTION, _unix_lines)),
    Fault("bidirectional-marks-dropped", _CLASS, ("updateMerchantReferences",), "Marks for the direction of text vanish",
          "Hebrew and Arabic names are shown in the wrong order.", "OM-TEXT-01", _stored(_REFERENCES, _without_marks)),
    Fault("leading-zeros-dropped", _CLASS, ("appendOrderShippingInfo",), "Tracking numbers lose their leading zeros",
          "The parcel cannot be tracked.", "OM-TEXT-01", _stored(_PARCEL, _number_if_possible)),
    Fault("text-null-cleared", _CLASS, ("updateMerchantReferences",), "The text null clears a reference",
          "The customer named Null loses the order.", "OM-TEXT-01", _stored(_REFERENCES, _null_if_named)),
    Fault("text-true-becomes-boolean", _CLASS, ("getOrder",), "The text true is shown as a boolean",
          "Typed clients fail on the order.", "OM-SURFACE-04", _shown(_REFERENCES, _json_value)),
    Fault("tracking-address-escaped", _CLASS, ("captureOrder", "appendShippingInfo"), "Tracking addresses are escaped",
          "The link in the customer's mail leads nowhere.", "OM-TEXT-01",
          _stored(frozenset({"tracking_uri"}), lambda text: quote(text, safe=":/%"))),
    Fault("quotes-doubled", _CLASS, ("refundOrder",), "Quotes in a text are doubled", "Texts grow with every copy.",
          "OM-TEXT-01", _stored(_DESCRIPTION, lambda text: text.replace("'", "''"))),
    Fault("backslashes-dropped", _CLASS, ("captureOrder",), "Backslashes in a text vanish",
          "Article numbers with a backslash change.", "OM-TEXT-01",
          _stored(_DESCRIPTION | _NAME, lambda text: text.replace("\\", ""))),
    Fault("line-names-cut-at-64", _CLASS, ("updateAuthorization",), "Names of lines are cut after 64 characters",
          "The invoice does not say which article it is.", "OM-TEXT-01", _stored(_NAME, lambda text: text[:64])),
    Fault("lines-sorted", _CLASS, ("updateAuthorization", "captureOrder"), "Lines come back in another order",
          "A refund by position gives the wrong article back.", "OM-MONEY-09", asked(_reversed_lines)),
    Fault("equal-lines-merged", _CLASS, ("captureOrder", "refundOrder"), "Equal lines become one",
          "The invoice lists one of two equal articles.", "OM-MONEY-09", asked(_merged_lines)),
    Fault("tax-rate-in-per-cent", _CLASS, ("captureOrder",), "The tax rate is kept in whole per cent",
          "The invoice shows a tax of 0.19 %.", "OM-TEXT-02", _lines(_tax_rounded)),
    Fault("tax-amount-dropped", _CLASS, ("refundOrder",), "The tax of a line is not kept",
          "The credit note shows no tax.", "OM-TEXT-02", _lines(_without_discount)),
    Fault("large-price-rounded", _CLASS, ("captureOrder",), "Prices above 2^24 lose their last digit",
          "The lines of a large invoice do not add up.", "OM-TEXT-02", _lines(_one_piece)),
    Fault("tabs-become-blanks", _CLASS, BODIES, "Tabs in a text become blanks", "Columns pasted into a text run together.",
          "OM-TEXT-01", _stored(_DESCRIPTION | _PARCEL | _ADDRESS | _REFERENCES, lambda text: text.replace("\t", " "))),
)
