"""Faults of fidelity: text and numbers that come back otherwise than they were sent."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from conformance.exchange import Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import asked, each_text, in_json, in_success, with_body
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]

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


def _owed_to_customer(line: dict[str, Any]) -> dict[str, Any]:
    """Take the sign off a return fee."""
    amounts = {name: abs(line[name]) for name in ("unit_price", "total_amount") if isinstance(line.get(name), int)}
    return {**line, **amounts} if line.get("type") == "return_fee" else line


BEHAVIOURS: Mapping[str, Behaviour] = {
    "fee-shown-positive": _lines(_owed_to_customer),
    "tracking-link-decoded": _stored(frozenset({"tracking_uri", "return_tracking_uri"}), unquote),
    "postal-code-without-zero": _shown(frozenset({"postal_code"}), lambda text: text.removeprefix("0")),
    "email-in-small-letters": _stored(frozenset({"email"}), str.lower),
    "description-cut-at-100": _stored(_DESCRIPTION, lambda text: text[:100]),
    "refund-description-shouts": _shown(_DESCRIPTION, str.upper),
    "reference-composed": _stored(_REFERENCES, _composed),
    "city-compatible": _stored(_ADDRESS, _compatible),
    "blanks-stripped": _stored(_DESCRIPTION, str.strip),
    "blanks-joined": _stored(_PARCEL, _one_blank),
    "emoji-dropped": _stored(_DESCRIPTION, _without_emoji),
    "ascii-with-question-marks": _stored(_PARCEL, _ascii_only),
    "read-as-latin-1": _stored(_ADDRESS, _mistaken_encoding),
    "answered-in-latin-1": in_success(_latin_1),
    "listed-captures-ascii": _shown(_DESCRIPTION, _ascii_only),
    "markup-escaped": _stored(_DESCRIPTION | _NAME, html.escape),
    "entities-resolved": _stored(_REFERENCES, html.unescape),
    "line-ends-changed": _stored(_DESCRIPTION, _unix_lines),
    "bidirectional-marks-dropped": _stored(_REFERENCES, _without_marks),
    "leading-zeros-dropped": _stored(_PARCEL, _number_if_possible),
    "text-null-cleared": _stored(_REFERENCES, _null_if_named),
    "text-true-becomes-boolean": _shown(_REFERENCES, _json_value),
    "tracking-address-escaped": _stored(frozenset({"tracking_uri"}), lambda text: quote(text, safe=":/%")),
    "quotes-doubled": _stored(_DESCRIPTION, lambda text: text.replace("'", "''")),
    "backslashes-dropped": _stored(_DESCRIPTION | _NAME, lambda text: text.replace("\\", "")),
    "line-names-cut-at-64": _stored(_NAME, lambda text: text[:64]),
    "lines-sorted": asked(_reversed_lines),
    "equal-lines-merged": asked(_merged_lines),
    "tax-rate-in-per-cent": _lines(_tax_rounded),
    "tax-amount-dropped": _lines(_without_discount),
    "large-price-rounded": _lines(_one_piece),
    "tabs-become-blanks": _stored(
        _DESCRIPTION | _PARCEL | _ADDRESS | _REFERENCES, lambda text: text.replace("\t", " ")
    ),
}
