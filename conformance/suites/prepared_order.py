"""An order as the driver of a server knows it, so that the next request can be fitted to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PreparedOrder"]


@dataclass(slots=True)
class PreparedOrder:
    """An order as the driver knows it: amounts in minor units, ids in the order in which they were made."""

    order_id: str
    order_amount: int
    remaining: int
    captured: int = 0
    refunded: int = 0
    captures: list[str] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def refundable(self) -> int:
        """What is captured and not refunded."""
        return self.captured - self.refunded
