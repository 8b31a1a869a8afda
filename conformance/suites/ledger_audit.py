"""Holds what an order reports against what the target's ledger says was booked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["ENTRIES", "SUMS", "discrepancies"]

# What the ledger calls the sums that an order reports, and the entries that some of them are made of.
SUMS = {
    "order_amount": "authorised",
    "captured_amount": "captured",
    "refunded_amount": "refunded",
    "remaining_authorized_amount": "remaining",
}
ENTRIES = {"captured_amount": "capture", "refunded_amount": "refund"}
# What an order that has ended still reports as authorised differs between documentation and recordings.
_ENDED = frozenset({"CANCELLED", "EXPIRED", "CLOSED"})


def discrepancies(order: Mapping[str, Any], ledger: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words where an order and its ledger differ; what a ledger leaves out is not missed."""
    for name, booked in SUMS.items():
        if name == "remaining_authorized_amount" and order.get("status") in _ENDED:
            continue
        if booked in ledger and ledger[booked] != order.get(name):
            yield f"the order reports {name} {order.get(name)}, the ledger has {ledger[booked]} {booked}"
    entries = ledger.get("entries")
    if not isinstance(entries, list) or not entries:
        return
    for name, kind in ENTRIES.items():
        amounts = [entry.get("amount") for entry in entries if isinstance(entry, dict) and entry.get("kind") == kind]
        moved = sum(amount for amount in amounts if isinstance(amount, int))
        if moved != order.get(name):
            yield f"the order reports {name} {order.get(name)}, the ledger's entries of {kind} add up to {moved}"
