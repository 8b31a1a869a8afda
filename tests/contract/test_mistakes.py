from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.contract.contract import load_contract
from conformance.exceptions import ContractError


@dataclass(frozen=True)
class Slip:
    """A slip of the pen in one file: ``old`` (found once at least, replaced once) becomes ``new``.

    ``at`` stands on the line that must be named, and ``after`` somewhere before it, where ``at`` alone is ambiguous.
    ``field`` is what must be named, with a star for the number of a row: the line tells which one it is.
    """

    file: str
    old: str
    new: str
    field: str
    reason: str
    at: str
    after: str = ""


ERRORS = [
    Slip("errors", "retry: fix", "retri: fix", "rows[*].retri", "is not a field that belongs here", "retri: fix"),
    Slip("errors", "retry: fix", "retry: often", "rows[*].retry", '"often" is not one of', "retry: often"),
    Slip("errors", "status: 400", 'status: "400"', "rows[*].status", 'is not of type "integer"', 'status: "400"'),
    Slip("errors", "status: 400", "status: 200", "rows[*].status", "less than the minimum", "status: 200"),
    Slip(
        "errors", '    source: "facts 5.2 E03', '    # "', "rows[*]", "lacks the field 'source'", "id: invalid-order-id"
    ),
    Slip(
        "errors",
        "id: invalid-order-id-elsewhere",
        "id: invalid-order-id",
        "rows[*].id",
        "is given twice",
        "id: invalid-order-id",
        after="E03",
    ),
    Slip("errors", "    code: INVALID_ORDER_ID", "    status: 404", "rows[*].status", "is given twice", "status: 404"),
    Slip(
        "errors",
        "operations: [getOrder]",
        "operations: [getOrders]",
        "rows[*].operations",
        "getOrders is no operation",
        "[getOrders]",
    ),
    Slip("errors", "operations: bodies", "operations: bodied", "rows[*].operations", "not valid under", "bodied"),
    Slip("errors", '["404 NOT_FOUND"]', '["404 not found"]', "rows[*].tolerated[0]", "does not match", "404 not found"),
    Slip(
        "errors",
        "Refund {refund} cannot",
        "Refund {refnd} cannot",
        "rows[*].messages[0]",
        "{refnd} is no placeholder",
        "{refnd}",
    ),
    Slip(
        "errors", 'code: ""\n    body: html', 'code: ""', "rows[*].code", "a body of kind json needs a code", 'code: ""'
    ),
    Slip(
        "errors",
        'code: ""',
        "code: BAD_REQUEST",
        "rows[*].code",
        "a body of kind html carries no code",
        "code: BAD_REQUEST",
        after="illegal-characters-html",
    ),
    Slip(
        "errors",
        "reads: [getOrder, ",
        "reads: [cancelOrder, getOrder, ",
        "sets.reads",
        "cancelOrder stands here or in the API description, but not in both",
        "reads: [",
    ),
    Slip(
        "errors",
        "bodies: [updateAuthorization, ",
        "bodies: [",
        "sets.bodies",
        "updateAuthorization stands here or in the API description, but not in both",
        "bodies: [",
    ),
    Slip(
        "errors",
        "codes: [CONFLICT]",
        "codes: [COLLISION]",
        "summary_rows[*]",
        "no row answers 409 COLLISION",
        "COLLISION",
    ),
    Slip(
        "errors",
        'REQUEST_TOO_LARGE\n    messages: ["Request is too large", "Request is too large."]\n    operations: bodies',
        "REQUEST_TOO_LARGE\n    messages: []\n    operations: all",
        "rows[*]",
        "the API description has no 413 REQUEST_TOO_LARGE on getOrder",
        "id: request-too-large",
    ),
]
LIFECYCLE = [
    Slip("lifecycle", "effect: read", "efect: read", "operations.getOrder.efect", "is not a field", "efect: read"),
    Slip(
        "lifecycle",
        "effect: capture\n",
        "effect: charge\n",
        "operations.captureOrder.effect",
        "charge is no effect",
        "effect: charge",
    ),
    Slip(
        "lifecycle",
        "  captureOrder:",
        "  chargeOrder:",
        "operations.chargeOrder",
        "is no operation of the API description",
        "chargeOrder:",
    ),
    Slip("lifecycle", "  getCaptures: *read\n", "", "operations", "lacks getCaptures", "operations:"),
    Slip(
        "lifecycle",
        "  getCaptures: *read\n",
        "  getCaptures: *raed\n",
        "operations.getCaptures",
        "names the anchor 'raed'",
        "*raed",
    ),
    Slip(
        "lifecycle",
        "error: acknowledge-not-allowed",
        "error: acknowledged",
        "operations.acknowledgeOrder.refused.CLOSED.error",
        "acknowledged is no row of the error table",
        "acknowledged",
    ),
    Slip(
        "lifecycle",
        "error: acknowledge-not-allowed",
        "error: cancel-not-allowed",
        "operations.acknowledgeOrder.refused.CLOSED.error",
        "the row cancel-not-allowed is not one of acknowledgeOrder",
        "error: cancel-not-allowed",
    ),
    Slip(
        "lifecycle",
        "guard: amount_covers_captured, ",
        "guard: amount_covered, ",
        "operations.updateAuthorization.guards[0].guard",
        "amount_covered is no guard",
        "amount_covered,",
    ),
    Slip(
        "lifecycle",
        "error: authorization-below-captured",
        "error: over-refund",
        "operations.updateAuthorization.guards[0].error",
        "over-refund is no row",
        "over-refund",
    ),
    Slip(
        "lifecycle",
        "allowed: {PART_CAPTURED: observed}",
        "allowed: {PART_CAPTURD: observed}",
        "operations.releaseRemainingAuthorization.allowed.PART_CAPTURD",
        "PART_CAPTURD is no state",
        "PART_CAPTURD",
    ),
    Slip(
        "lifecycle",
        "      CLOSED: {error: acknowledge",
        "      CLOSD: {error: acknowledge",
        "operations.acknowledgeOrder.refused.CLOSD",
        "CLOSD is no state",
        "CLOSD:",
    ),
    Slip(
        "lifecycle",
        "allowed: {PART_CAPTURED: observed}",
        "allowed: {}",
        "operations.releaseRemainingAuthorization",
        "is neither allowed nor refused in the state PART_CAPTURED",
        "releaseRemainingAuthorization:",
    ),
    Slip(
        "lifecycle",
        "allowed: {PART_CAPTURED: observed}",
        "allowed: {PART_CAPTURED: observed, CLOSED: observed}",
        "operations.releaseRemainingAuthorization",
        "is both allowed and refused in the state CLOSED",
        "releaseRemainingAuthorization:",
    ),
    Slip(
        "lifecycle",
        "to: {otherwise: CANCELLED}",
        "to: {otherwise: CANCELED}",
        "effects.cancel.to.otherwise",
        "CANCELED is no state",
        "CANCELED",
    ),
    Slip(
        "lifecycle",
        "nothing: {keeps: true}",
        "nothing: {}",
        "effects.nothing",
        "says neither where it leads",
        "nothing: {}",
    ),
    Slip(
        "lifecycle",
        "    to: {otherwise: CANCELLED}",
        "    to: {otherwise: CANCELLED}\n    keeps: true",
        "effects.cancel",
        "or says both",
        "  cancel:",
    ),
    Slip(
        "lifecycle",
        "{add: captured_amount}",
        "{add: captured_amount, set: captured_amount}",
        "effects.capture.amounts.captured_amount",
        "has more than 1 propert",
        "set: captured_amount}",
    ),
    Slip(
        "lifecycle",
        "shows: [AUTHORIZED]",
        "shows: [AUTHORISED]",
        "states.AUTHORIZED.shows[0]",
        '"AUTHORISED" is not one of',
        "[AUTHORISED]",
    ),
]
OTHERS = [
    Slip(
        "requirements",
        "id: OM-SURFACE-02",
        "id: OM-SURFACE-01",
        "requirements[*].id",
        "OM-SURFACE-01 is given twice",
        "id: OM-SURFACE-01",
        after="id: OM-SURFACE-01",
    ),
    Slip(
        "requirements",
        'facts 2, 5.2"\n    truth: documented',
        'facts 2, 5.2"\n    truth: inferred',
        "requirements[*].truth",
        "a must cannot rest on something inferred",
        "truth: inferred",
    ),
    Slip("requirements", "level: core\n", "level: basic\n", "requirements[*].level", '"basic" is not one of', "basic"),
    Slip(
        "requirements",
        '    source: "SPEC24, DOC-OM; facts 2, 5.2"\n',
        "",
        "requirements[*]",
        "lacks the field 'source'",
        "id: OM-SURFACE-01",
    ),
    Slip(
        "requirements",
        "requirements:\n",
        "requirements:\n  - {id: OM-TEXT-99, keyword: must, level: exact, "
        "text: Unmeasured., source: x, truth: documented}\n",
        "requirements[*]",
        "no finding code measures OM-TEXT-99",
        "OM-TEXT-99",
    ),
    Slip(
        "findings",
        "requirement: OM-SURFACE-01",
        "requirement: OM-SURFACE-99",
        "findings[*].requirement",
        "OM-SURFACE-99 is no requirement",
        "OM-SURFACE-99",
    ),
    Slip(
        "findings",
        "code: KOM-102",
        "code: KOM-101",
        "findings[*].code",
        "KOM-101 is given twice",
        "code: KOM-101",
        after="code: KOM-101",
    ),
    Slip("findings", "code: KOM-102", "code: KOM-0102", "findings[*].code", "does not match", "KOM-0102"),
    Slip("findings", "    costs: ", "    cost: ", "findings[*].cost", "is not a field", "    cost: "),
    Slip(
        "deviations",
        "codes: [KOM-107, KOM-201]",
        "codes: [KOM-107, KOM-199]",
        "deviations[*].codes[1]",
        "KOM-199 is no finding code",
        "KOM-199",
    ),
    Slip(
        "deviations",
        "operations: [getOrder, cancelOrder]",
        "operations: [getOrder, cancel]",
        "deviations[*].operations",
        "cancel is no operation",
        "[getOrder, cancel]",
    ),
    Slip(
        "deviations",
        "id: DEV-HTML-401",
        "id: DEV-HTML-400",
        "deviations[*].id",
        "DEV-HTML-400 is given twice",
        "id: DEV-HTML-400",
        after="id: DEV-HTML-400",
    ),
    Slip("deviations", "    evidence: ", "    # ", "deviations[*]", "lacks the field 'evidence'", "id: DEV-HTML-400"),
    Slip(
        "deviations", "    truth: observed", "    truth: rumoured", "deviations[*].truth", "is not one of", "rumoured"
    ),
    Slip(
        "order-management",
        "operationId: captureOrder\n",
        "operationId: getOrder\n",
        "paths[/ordermanagement/v1/orders/{order_id}/captures].post.operationId",
        "getOrder is given twice",
        "operationId: getOrder",
        after="/captures:",
    ),
]


_TOP_INDEX = re.compile(r"^([a-z_]+)\[\d+\]")


def _line(text: str, slip: Slip) -> int:
    start = text.index(slip.after) + len(slip.after) if slip.after else 0
    return text.count("\n", 0, text.index(slip.at, start)) + 1


def _spoil(specs: Path, file: str, old: str, new: str) -> str:
    path = specs / f"{file}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    spoilt = text.replace(old, new, 1)
    path.write_text(spoilt, encoding="utf-8")
    return spoilt


@pytest.mark.parametrize(
    "slip", [*ERRORS, *LIFECYCLE, *OTHERS], ids=lambda slip: f"{slip.file}-{slip.new.strip()[:40]}"
)
def test_a_slip_is_named_by_file_line_and_field(specs: Path, slip: Slip) -> None:
    text = _spoil(specs, slip.file, slip.old, slip.new)
    with pytest.raises(ContractError) as caught:
        load_contract(specs)
    error = caught.value
    assert slip.reason in error.reason
    assert "\n" not in str(error)
    assert (error.file, _TOP_INDEX.sub(r"\1[*]", error.field)) == (f"{slip.file}.yaml", slip.field)
    assert error.line == _line(text, slip)
