"""Three orders that every fresh simulator holds, so that the first request somebody tries finds something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "AUTHORIZED_ORDER_ID",
    "CAPTURED_CAPTURE_ID",
    "CAPTURED_ORDER_ID",
    "DEMO_ORDERS",
    "PART_CAPTURED_CAPTURE_ID",
    "PART_CAPTURED_ORDER_ID",
    "PART_CAPTURED_REFUND_ID",
]

PART_CAPTURED_ORDER_ID = "0a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90"
PART_CAPTURED_CAPTURE_ID = "3c9e8b52-1d47-4e0a-8a66-7f0b5d2c4e11"
PART_CAPTURED_REFUND_ID = "8e2d7c64-5b1f-4a93-b0c8-1a9f3e6d7b22"
AUTHORIZED_ORDER_ID = "1b6d2a1f-8c8e-4d3f-8e4b-5a2f3c7d9ea1"
CAPTURED_ORDER_ID = "2c7e3b20-9d9f-4e40-9f5c-6b304d8eafb2"
CAPTURED_CAPTURE_ID = "4daf9c63-2e58-4f1b-9b77-801c6e3d5f22"

DEMO_ORDERS: tuple[Mapping[str, Any], ...] = (
    {
        "order_id": PART_CAPTURED_ORDER_ID,
        "order_amount": 10_000,
        "status": "PART_CAPTURED",
        "captures": [{"capture_id": PART_CAPTURED_CAPTURE_ID, "captured_amount": 4_000}],
        "refunds": [{"refund_id": PART_CAPTURED_REFUND_ID, "refunded_amount": 1_000}],
        "merchant_reference1": "demo-part-captured",
    },
    {
        "order_id": AUTHORIZED_ORDER_ID,
        "order_amount": 10_000,
        "status": "AUTHORIZED",
        "merchant_reference1": "demo-authorized",
    },
    {
        "order_id": CAPTURED_ORDER_ID,
        "order_amount": 10_000,
        "status": "CAPTURED",
        "captures": [{"capture_id": CAPTURED_CAPTURE_ID, "captured_amount": 10_000}],
        "merchant_reference1": "demo-captured",
    },
)
