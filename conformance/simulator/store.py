"""All orders by id, kept apart by merchant."""

from __future__ import annotations

from conformance.simulator.control_error import UnknownOrderError
from conformance.simulator.order import Order

__all__ = ["Store"]


class Store:
    """The orders of every merchant; an id is used once."""

    __slots__ = ("_orders",)

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._orders

    def add(self, order: Order) -> None:
        """Take in an order; the caller has made sure that its id is new."""
        self._orders[order.order_id] = order

    def of_merchant(self, order_id: str, merchant_id: str) -> Order | None:
        """Return an order if it is this merchant's; another's is as good as absent."""
        order = self._orders.get(order_id)
        return order if order is not None and order.merchant_id == merchant_id else None

    def any(self, order_id: str) -> Order:
        """Return an order whoever owns it; raises UnknownOrderError."""
        order = self._orders.get(order_id)
        if order is None:
            raise UnknownOrderError(f"order_id: the simulator holds no order {order_id[:100]!r}")
        return order
