"""The eighteen operations as methods, written once for the client that waits and the one that is awaited."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from conformance.clients.reference.call import Call

__all__ = ["Operations"]

Object = TypeVar("Object")
Listing = TypeVar("Listing")
Made = TypeVar("Made")
Nothing = TypeVar("Nothing")

Body = Mapping[str, Any]


class Operations(ABC, Generic[Object, Listing, Made, Nothing]):
    """What a user calls: ids as they are, bodies in the API's own field names, amounts in minor units.

    Every write takes an ``idempotency_key``; without one the client makes one up for each call. A caller who may
    repeat a call after a crash keeps the key with the order and passes it again. All of them raise ``KlarnaError``.
    """

    @abstractmethod
    def _perform(self, call: Call) -> Any:
        """Carry out one call, retries included."""

    def get_order(self, order_id: str) -> Object:
        """Read an order, with its captures and refunds."""
        return self._object("getOrder", order_id=order_id)

    def acknowledge_order(self, order_id: str, *, idempotency_key: str | None = None) -> Nothing:
        """Tell the service that the shop has received the order."""
        return self._nothing("acknowledgeOrder", idempotency_key, order_id=order_id)

    def update_authorization(self, order_id: str, body: Body, *, idempotency_key: str | None = None) -> Nothing:
        """Set a new total and new lines; lines that are left out are deleted."""
        return self._nothing("updateAuthorization", idempotency_key, body, order_id=order_id)

    def capture_order(self, order_id: str, body: Body, *, idempotency_key: str | None = None) -> Made:
        """Charge the customer; gives the new capture's ``capture_id``."""
        return self._made("captureOrder", idempotency_key, body, order_id=order_id)

    def get_captures(self, order_id: str) -> Listing:
        """Read all captures of an order."""
        return self._listing("getCaptures", order_id=order_id)

    def get_capture(self, order_id: str, capture_id: str) -> Object:
        """Read one capture."""
        return self._object("getCapture", order_id=order_id, capture_id=capture_id)

    def extend_due_date(
        self, order_id: str, capture_id: str, body: Body, *, idempotency_key: str | None = None
    ) -> Nothing:
        """Give the customer more time to pay, by one of the offered numbers of days."""
        return self._nothing("extendDueDate", idempotency_key, body, order_id=order_id, capture_id=capture_id)

    def get_options_for_extend_due_date(self, order_id: str, capture_id: str) -> Object:
        """Read by how many days the due date can be extended, and for what fee."""
        return self._object("getOptionsForExtendDueDate", order_id=order_id, capture_id=capture_id)

    def append_shipping_info(
        self, order_id: str, capture_id: str, body: Body, *, idempotency_key: str | None = None
    ) -> Nothing:
        """Add shipments to a capture."""
        return self._nothing("appendShippingInfo", idempotency_key, body, order_id=order_id, capture_id=capture_id)

    def trigger_send_out(self, order_id: str, capture_id: str, *, idempotency_key: str | None = None) -> Nothing:
        """Send the customer the payment details of a capture again."""
        return self._nothing("triggerSendOut", idempotency_key, order_id=order_id, capture_id=capture_id)

    def update_consumer_details(self, order_id: str, body: Body, *, idempotency_key: str | None = None) -> Nothing:
        """Change the shipping address."""
        return self._nothing("updateConsumerDetails", idempotency_key, body, order_id=order_id)

    def extend_authorization_time(self, order_id: str, *, idempotency_key: str | None = None) -> Nothing:
        """Keep the authorisation alive for another period."""
        return self._nothing("extendAuthorizationTime", idempotency_key, order_id=order_id)

    def update_merchant_references(self, order_id: str, body: Body, *, idempotency_key: str | None = None) -> Nothing:
        """Change the merchant's references; an empty text clears one, an absent one stays."""
        return self._nothing("updateMerchantReferences", idempotency_key, body, order_id=order_id)

    def refund_order(self, order_id: str, body: Body, *, idempotency_key: str | None = None) -> Made:
        """Give money back; gives the new refund's ``refund_id``."""
        return self._made("refundOrder", idempotency_key, body, order_id=order_id)

    def get_refund(self, order_id: str, refund_id: str) -> Object:
        """Read one refund; the API calls this operation ``get``."""
        return self._object("get", order_id=order_id, refund_id=refund_id)

    def release_remaining_authorization(self, order_id: str, *, idempotency_key: str | None = None) -> Nothing:
        """Give up what has not been captured."""
        return self._nothing("releaseRemainingAuthorization", idempotency_key, order_id=order_id)

    def append_order_shipping_info(self, order_id: str, body: Body, *, idempotency_key: str | None = None) -> Nothing:
        """Add shipments to an order."""
        return self._nothing("appendOrderShippingInfo", idempotency_key, body, order_id=order_id)

    def cancel_order(self, order_id: str, *, idempotency_key: str | None = None) -> Nothing:
        """Cancel an order that has no captures, for good."""
        return self._nothing("cancelOrder", idempotency_key, order_id=order_id)

    def _object(self, operation: str, **ids: str) -> Object:
        found: Object = self._perform(Call(operation, ids))
        return found

    def _listing(self, operation: str, **ids: str) -> Listing:
        found: Listing = self._perform(Call(operation, ids))
        return found

    def _made(self, operation: str, key: str | None, body: Body, **ids: str) -> Made:
        made: Made = self._perform(Call(operation, ids, body, key))
        return made

    def _nothing(self, operation: str, key: str | None, body: Body | None = None, **ids: str) -> Nothing:
        done: Nothing = self._perform(Call(operation, ids, body, key))
        return done
