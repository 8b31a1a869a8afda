"""Clients that read a success wrongly: what was made, and what was found."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

from conformance.clients.broken.mutation import Broken, broken
from conformance.clients.reference.answer import Answer, Lost
from conformance.clients.reference.call import Call
from conformance.clients.reference.errors import KlarnaError, UnreadableAnswerError
from conformance.exchange import Headers

__all__ = ["Reading"]

_LINE_TYPES = {
    None,
    "physical",
    "discount",
    "shipping_fee",
    "sales_tax",
    "store_credit",
    "gift_card",
    "digital",
    "surcharge",
    "return_fee",
}
_ORDER_FIELDS = {
    "order_id",
    "status",
    "fraud_status",
    "order_amount",
    "original_order_amount",
    "captured_amount",
    "refunded_amount",
    "remaining_authorized_amount",
    "purchase_currency",
    "purchase_country",
    "locale",
    "order_lines",
    "merchant_reference1",
    "merchant_reference2",
    "klarna_reference",
    "billing_address",
    "shipping_address",
    "created_at",
    "expires_at",
    "captures",
    "refunds",
}


class Reading(Broken):
    """Looks at answers before the reference client does."""

    def _read(self, call: Call, outcome: Answer | Lost) -> Any:
        return self._look(call, outcome) if isinstance(outcome, Answer) else super()._read(call, outcome)

    def _look(self, call: Call, answer: Answer) -> Any:
        return super()._read(call, answer)


class _Changing(Broken):
    """Changes what a read has found."""

    def _read(self, call: Call, outcome: Answer | Lost) -> Any:
        found = super()._read(call, outcome)
        return found if found is None or call.operation.answers == "id" else self._change(call, found)

    def _change(self, call: Call, found: Any) -> Any:
        return found


# --- what was made --------------------------------------------------------------------------------------------------


@broken(
    "results", "results/captureOrder/lower-case-headers", "Nobody can ship, refund or look up the capture by its id."
)
class IdLost(Reading):
    """Reports a capture without its id."""

    def _look(self, call: Call, answer: Answer) -> Any:
        found = super()._look(call, answer)
        return None if call.operation.answers == "id" else found


@broken("results", "results/captureOrder/no-id-at-all", "An id that exists nowhere is stored with the order.")
class IdInvented(Reading):
    """Makes up an id when the answer has none."""

    def _look(self, call: Call, answer: Answer) -> Any:
        if call.operation.answers == "id" and answer.is_success and "Location" not in answer.headers:
            return {call.operation.id_field: answer.headers.get(call.operation.id_header) or str(uuid4())}
        return super()._look(call, answer)


@broken(
    "results",
    "results/captureOrder/lower-case-headers",
    "Every id is lost as soon as HTTP/2 lowers the case of headers.",
)
class HeaderInExactCase(Reading):
    """Looks the id up under one spelling of the header."""

    def _look(self, call: Call, answer: Answer) -> Any:
        wanted = {call.operation.id_header, "Location"}
        others = {"capture-id", "refund-id", "location"}
        kept = [(name, value) for name, value in answer.headers if name in wanted or name.lower() not in others]
        return super()._look(call, replace(answer, headers=Headers(kept)))


@broken("results", "results/captureOrder/relative-location", "The id is lost when the address is relative.")
class LocationOnlyAbsolute(Reading):
    """Takes the id from an absolute address only."""

    def _look(self, call: Call, answer: Answer) -> Any:
        absolute = "://" in (answer.headers.get("Location") or "")
        unread = ("Capture-Id", "Refund-Id") if absolute else ("Capture-Id", "Refund-Id", "Location")
        return super()._look(call, replace(answer, headers=answer.headers.without(*unread)))


@broken("results", "results/captureOrder/only-id-header", "The id is lost when only its own header is sent.")
class LocationOnly(Reading):
    """Takes the id from Location only."""

    def _look(self, call: Call, answer: Answer) -> Any:
        return super()._look(call, replace(answer, headers=answer.headers.without("Capture-Id", "Refund-Id")))


@broken("results", "results/captureOrder/only-location", "The id is lost when only the address is sent.")
class LocationUnread(Reading):
    """Takes the id from its own header only."""

    def _look(self, call: Call, answer: Answer) -> Any:
        return super()._look(call, replace(answer, headers=answer.headers.without("Location")))


@broken("results", "results/captureOrder/only-location", "Shipments and refunds go to a capture that does not exist.")
class OrderIdAsCaptureId(Reading):
    """Hands out the order's id as that of the capture."""

    def _look(self, call: Call, answer: Answer) -> Any:
        found = super()._look(call, answer)
        return {call.operation.id_field: call.ids["order_id"]} if call.operation.answers == "id" else found


@broken(
    "results",
    "results/captureOrder/status-200",
    "A capture that went through is reported as failed, and is made again.",
)
class StatusExpectedExactly(Reading):
    """Takes only one status for success."""

    def _look(self, call: Call, answer: Answer) -> Any:
        usual = {"object": 200, "list": 200, "id": 201, "nothing": 204}[call.operation.answers]
        if answer.is_success and answer.status != usual:
            raise UnreadableAnswerError(f"status {answer.status} instead of {usual}", status=answer.status)
        return super()._look(call, answer)


@broken("results", "request/cancelOrder", "Every write that went through is reported as failed, and is made again.")
class BodyExpected(Reading):
    """Parses the body of every answer."""

    def _look(self, call: Call, answer: Answer) -> Any:
        if answer.is_success:
            json.loads(answer.body)
        return super()._look(call, answer)


# --- what was read --------------------------------------------------------------------------------------------------


@broken("results", "exact/read-after-write", "The shop decides on amounts that are no longer true.")
class OrderStale(Broken):
    """Answers the second reading of an order from memory."""

    def _perform(self, call: Call) -> Any:
        if call.operation_id != "getOrder":
            return super()._perform(call)
        remembered: dict[str, Any] = self.__dict__.setdefault("_remembered", {})
        if call.ids["order_id"] not in remembered:
            remembered[call.ids["order_id"]] = super()._perform(call)
        return remembered[call.ids["order_id"]]


@broken("results", "exact/unknown/field", "What the client does not know is lost when it is written back.")
class UnknownFieldsDropped(_Changing):
    """Keeps only the fields of an order that it knows."""

    def _change(self, call: Call, found: Any) -> Any:
        if call.operation_id != "getOrder":
            return found
        return {name: value for name, value in found.items() if name in _ORDER_FIELDS}


@broken("results", "exact/read-change-write", "What is written back deletes what was not kept.")
class LinesThinned(_Changing):
    """Keeps only the fields of an order line that it needs for a bill."""

    def _change(self, call: Call, found: Any) -> Any:
        if call.operation_id != "getOrder":
            return found
        kept = {"name", "quantity", "unit_price", "total_amount"}
        lines = [{name: value for name, value in line.items() if name in kept} for line in found["order_lines"]]
        return {**found, "order_lines": lines}


@broken("results", "exact/unknown/order-line-type", "The shop stops the day the service adds a type of line.")
class UnknownTypeFatal(_Changing):
    """Fails on a type of order line that it does not know."""

    def _change(self, call: Call, found: Any) -> Any:
        if call.operation_id == "getOrder":
            for line in found.get("order_lines", []):
                if line.get("type") not in _LINE_TYPES:
                    raise ValueError(f"{line.get('type')!r} is not a valid OrderLineType")
        return found


@broken("results", "exact/read/unicode", "Deadlines move by the offset of the shop's time zone.")
class TimesWithoutZone(_Changing):
    """Cuts times at the second, zone and all."""

    def _change(self, call: Call, found: Any) -> Any:
        if call.operation_id != "getOrder":
            return found
        return {name: value[:19] if name.endswith("_at") else value for name, value in found.items()}


@broken("results", "request/getCaptures", "All shipments but the first are forgotten.")
class FirstCaptureOnly(_Changing):
    """Returns the first capture where all of them are asked for."""

    def _change(self, call: Call, found: Any) -> Any:
        return found[0] if call.operation.answers == "list" else found


@broken("results", "exact/read/zero", "An order without captures looks like an order of unknown state.")
class ZeroesDropped(_Changing):
    """Leaves out fields that are zero or empty."""

    def _change(self, call: Call, found: Any) -> Any:
        return {name: value for name, value in found.items() if value} if isinstance(found, dict) else found


@broken("transport", "broken/getOrder/invalid-json", "Half an order is taken for the whole.")
class BrokenAnswerAccepted(Reading):
    """Returns an empty object when the answer cannot be read."""

    def _look(self, call: Call, answer: Answer) -> Any:
        try:
            return super()._look(call, answer)
        except KlarnaError as error:
            if answer.is_success and error.carried_out is False:
                return {}
            raise
