"""What a request class deserves where only its author can know it, and which findings a class is made to provoke."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.contract.contract import Contract
from conformance.suites.reply import Expected

__all__ = ["CODES", "expected", "representative"]

# Rows of the error table that fit a ground, whatever the operation; those of the operation are picked out.
_ROWS: Mapping[str, tuple[str, ...]] = {
    "unknown order": (
        "no-such-order",
        "no-such-order-acknowledge",
        "no-such-order-references",
        "no-such-order-shipping-info",
        "no-such-order-capture-shipping-info",
        "no-such-order-send-out",
        "no-such-order-unlisted",
        "no-such-order-due-date",
        "refund-on-unknown-order",
        "no-such-refund",
    ),
    "unknown capture": (
        "no-such-capture",
        "no-such-capture-send-out",
        "no-such-capture-read",
        "no-such-capture-due-date",
    ),
    "unknown refund": ("no-such-refund",),
    "malformed id": ("invalid-order-id", "invalid-order-id-elsewhere", "illegal-characters-html"),
    "malformed capture id": (
        "invalid-order-id-elsewhere",
        "illegal-characters-html",
        "no-such-capture",
        "no-such-capture-send-out",
        "no-such-capture-read",
        "no-such-capture-due-date",
    ),
    "malformed refund id": ("refund-not-found-400", "no-such-refund", "illegal-characters-html"),
    "wrong credentials": ("unauthorized", "unauthorized-html"),
    "too large": ("request-too-large",),
}


def expected(contract: Contract, operation: str, ground: str, code: str, why: str) -> Expected:
    """Say that a request must be refused on a ground, with the rows that the operation has for it."""
    rows = tuple(row for row in _ROWS[ground] if operation in contract.errors.row(row).operations)
    return Expected(code=code, why=why, rows=rows)


# The findings that a kind of case is made to provoke. The first decides the level of the case, all of them name its
# requirements; what else is wrong with an answer is found in passing.
CODES: Mapping[str, tuple[str, ...]] = {
    "valid read": (
        "KOM-104",
        "KOM-710",
        "KOM-101",
        "KOM-102",
        "KOM-103",
        "KOM-107",
        "KOM-109",
        "KOM-110",
        "KOM-111",
        "KOM-113",
        "KOM-114",
        "KOM-115",
        "KOM-117",
        "KOM-411",
        "KOM-412",
        "KOM-401",
    ),
    "valid write": (
        "KOM-402",
        "KOM-403",
        "KOM-102",
        "KOM-106",
        "KOM-105",
        "KOM-108",
        "KOM-118",
        "KOM-404",
        "KOM-405",
        "KOM-406",
        "KOM-407",
        "KOM-410",
        "KOM-112",
    ),
    "capture": (
        "KOM-306",
        "KOM-308",
        "KOM-309",
        "KOM-311",
        "KOM-301",
        "KOM-302",
        "KOM-304",
        "KOM-310",
        "KOM-316",
        "KOM-408",
        "KOM-409",
        "KOM-414",
        "KOM-415",
        "KOM-416",
    ),
    "refund": (
        "KOM-307",
        "KOM-308",
        "KOM-309",
        "KOM-312",
        "KOM-303",
        "KOM-305",
        "KOM-315",
        "KOM-316",
        "KOM-409",
        "KOM-414",
        "KOM-416",
    ),
    "authorization": ("KOM-313", "KOM-309", "KOM-301", "KOM-314", "KOM-310"),
    "extension": ("KOM-410", "KOM-417", "KOM-403", "KOM-406"),
    "headers": ("KOM-208", "KOM-205"),
    "neighbour": ("KOM-412", "KOM-406", "KOM-309"),
    "market": ("KOM-317", "KOM-318", "KOM-309", "KOM-301", "KOM-314", "KOM-308", "KOM-601", "KOM-602"),
    "unknown id": ("KOM-209", "KOM-205", "KOM-201", "KOM-202", "KOM-203", "KOM-204"),
    "malformed id": ("KOM-209", "KOM-205", "KOM-703", "KOM-706", "KOM-206"),
    "encoded path": ("KOM-705", "KOM-209"),
    "wrong merchant": ("KOM-702", "KOM-404"),
    "wrong credentials": ("KOM-701", "KOM-205", "KOM-704", "KOM-709"),
    "invalid body": ("KOM-207", "KOM-205", "KOM-404", "KOM-206"),
    "limits": ("KOM-208", "KOM-405", "KOM-601", "KOM-602"),
    "size": ("KOM-708", "KOM-206"),
    "method": ("KOM-116",),
    "override": ("KOM-707",),
    "repeated-key": ("KOM-501", "KOM-502"),
    "repeated-key-other-body": ("KOM-506", "KOM-504"),
    "repeated-key-other-words": ("KOM-504", "KOM-506"),
    "repeated-key-respelled": ("KOM-501", "KOM-502"),
    "keys-of-any-form": ("KOM-501", "KOM-208", "KOM-503"),
    "repeated-after-another": ("KOM-501", "KOM-502"),
    "repeated-after-many": ("KOM-501", "KOM-502"),
    "repeated-after-hundreds": ("KOM-501", "KOM-502"),
    "repeated-after-refusal": ("KOM-501", "KOM-502"),
    "repeated-in-whole": ("KOM-501", "KOM-502"),
    "repeated-in-another-form": ("KOM-501", "KOM-502"),
    "repeated-with-many-lines": ("KOM-501", "KOM-502"),
    "repeated-without-credentials": ("KOM-701", "KOM-501", "KOM-502"),
    "repeated-after-capture": ("KOM-501", "KOM-502"),
    "repeated-refusal": ("KOM-306", "KOM-307", "KOM-313", "KOM-404"),
    "different-keys": ("KOM-503", "KOM-413"),
    "similar-keys": ("KOM-503",),
    "key-of-another-merchant": ("KOM-503", "KOM-702", "KOM-108"),
    "without-key": ("KOM-503", "KOM-413"),
    "same-moment": ("KOM-505", "KOM-304", "KOM-305"),
    "against-each-other": ("KOM-402", "KOM-306", "KOM-313", "KOM-401", "KOM-309"),
    "pair": ("KOM-406", "KOM-404", "KOM-405", "KOM-403", "KOM-308", "KOM-501", "KOM-502"),
    "refused": ("KOM-404", "KOM-403", "KOM-308", "KOM-402", "KOM-407", "KOM-207"),
    "old": ("KOM-412", "KOM-407", "KOM-408", "KOM-411", "KOM-406", "KOM-308", "KOM-403"),
    "payment method": ("KOM-309", "KOM-418", "KOM-404", "KOM-308"),
    "server fault": ("KOM-202", "KOM-201", "KOM-501"),
    "lost answer": ("KOM-501", "KOM-502"),
    "generated read": ("KOM-104", "KOM-101", "KOM-103", "KOM-110"),
    "generated write": ("KOM-207", "KOM-208", "KOM-206", "KOM-404", "KOM-309"),
    "hard text": ("KOM-206", "KOM-703", "KOM-404"),
    "text": ("KOM-601", "KOM-602", "KOM-405", "KOM-706"),
}


def representative(contract: Contract, operation: str) -> str:
    """Name the prepared state in which an operation is sure to be allowed."""
    described = contract.operations[operation]
    if "{refund_id}" in described.path:
        return "part_refunded"
    if "{capture_id}" in described.path or operation in ("refundOrder", "releaseRemainingAuthorization"):
        return "part_captured"
    return "fresh"
