"""The operations under names that read aloud, grouped by what they work on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from conformance.mocks.operation_mock import OperationMock

R = TypeVar("R")

__all__ = ["RESOURCES", "Captures", "Orders", "Refunds", "resource"]


@dataclass(frozen=True, slots=True)
class Orders:
    """What is done with an order."""

    get: OperationMock
    acknowledge: OperationMock
    update_authorization: OperationMock
    extend_authorization_time: OperationMock
    release_remaining_authorization: OperationMock
    cancel: OperationMock
    update_customer_details: OperationMock
    update_merchant_references: OperationMock
    add_shipping_info: OperationMock


@dataclass(frozen=True, slots=True)
class Captures:
    """What is done with the captures of an order."""

    create: OperationMock
    list: OperationMock
    get: OperationMock
    add_shipping_info: OperationMock
    trigger_send_out: OperationMock
    due_date_options: OperationMock
    extend_due_date: OperationMock


@dataclass(frozen=True, slots=True)
class Refunds:
    """What is done with the refunds of an order."""

    create: OperationMock
    get: OperationMock


RESOURCES: Mapping[type, Mapping[str, str]] = {
    Orders: {
        "get": "getOrder",
        "acknowledge": "acknowledgeOrder",
        "update_authorization": "updateAuthorization",
        "extend_authorization_time": "extendAuthorizationTime",
        "release_remaining_authorization": "releaseRemainingAuthorization",
        "cancel": "cancelOrder",
        "update_customer_details": "updateConsumerDetails",
        "update_merchant_references": "updateMerchantReferences",
        "add_shipping_info": "appendOrderShippingInfo",
    },
    Captures: {
        "create": "captureOrder",
        "list": "getCaptures",
        "get": "getCapture",
        "add_shipping_info": "appendShippingInfo",
        "trigger_send_out": "triggerSendOut",
        "due_date_options": "getOptionsForExtendDueDate",
        "extend_due_date": "extendDueDate",
    },
    Refunds: {"create": "refundOrder", "get": "get"},
}


def resource(kind: type[R], operation: Callable[[str], OperationMock]) -> R:
    """Return a resource with an operation behind each of its names."""
    return kind(**{name: operation(operation_id) for name, operation_id in RESOURCES[kind].items()})
