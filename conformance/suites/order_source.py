"""Where new orders come from when there is no control interface: a customer token, or a command of the user's own."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from conformance.exceptions import TargetError, UsageError
from conformance.exchange import Exchange, Headers, Request
from conformance.suites.bodies import ORDER
from conformance.suites.conversation import encoded
from conformance.suites.stops import NotMeasuredError

__all__ = ["CURRENCIES", "HookSource", "OrderSource", "TokenSource", "wanted_order"]

CURRENCIES: Mapping[str, str] = {"playground-eu": "EUR", "playground-na": "USD", "playground-oc": "AUD"}
"""What orders of a region are made in unless the user says otherwise; a token is good for one market only."""

HOOK_SECONDS = 300.0
_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_REFUSED_FOR_GOOD = frozenset({400, 401, 403, 404, 405, 409, 422})


class OrderSource(Protocol):
    """Makes authorised orders, one at a time."""

    def create(self) -> str:
        """Make an order and return its id.

        Raises NotMeasuredError when this one could not be made, and TargetError when none can.
        """
        ...


def wanted_order(currency: str = "") -> dict[str, Any]:
    """Describe the order that the cases are written for: 100.00 in two lines, in minor units."""
    lines = [dict(line) for line in ORDER["order_lines"]]
    return {
        "order_amount": ORDER["order_amount"],
        "order_tax_amount": sum(line["total_tax_amount"] for line in lines),
        "purchase_currency": currency or ORDER["purchase_currency"],
        "order_lines": lines,
        "merchant_reference1": ORDER["merchant_reference1"],
    }


class TokenSource:
    """Makes orders from a customer token, unattended; the buyer agreed once, in a browser.

    The call knows no idempotency key, so it is never repeated: a lost answer is a lost order.
    """

    def __init__(
        self, token: str, send: Callable[[Request], Exchange], authorization: str, prefix: str = "", currency: str = ""
    ) -> None:
        self._token = token
        self._send = send
        self._authorization = authorization
        self._prefix = prefix
        self._currency = currency
        self._refused = ""

    def create(self) -> str:
        """Place one order with the token."""
        if self._refused:
            raise NotMeasuredError(self._refused)
        target = f"{self._prefix}/customer-token/v1/tokens/{quote(self._token, safe='')}/order"
        headers = Headers(
            [
                ("Authorization", self._authorization),
                ("Accept", "application/json"),
                ("Content-Type", "application/json"),
            ]
        )
        exchange = self._send(Request("POST", target, headers, encoded(wanted_order(self._currency))))
        response = exchange.response
        if response is None:
            raise NotMeasuredError(f"no order could be made from the customer token: {exchange.failure}")
        if response.status in _REFUSED_FOR_GOOD:
            self._refused = f"no order can be made from the customer token: it is answered {response.status}"
            raise NotMeasuredError(self._refused)
        if not 200 <= response.status < 300:
            raise NotMeasuredError(f"no order could be made from the customer token: {response.status}")
        try:
            order_id = json.loads(response.body).get("order_id")
        except (ValueError, AttributeError, RecursionError):
            order_id = None
        return _checked(order_id, "the answer to the customer token")


class HookSource:
    """Makes orders with a command: it gets the wanted order as JSON on its standard input and prints an order id."""

    def __init__(self, command: str, currency: str = "", *, seconds: float = HOOK_SECONDS) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError:
            raise UsageError("--order-hook is no command line: a quote is not closed") from None
        if not self._words:
            raise UsageError("--order-hook is empty")
        self._currency = currency
        self._seconds = seconds

    def create(self) -> str:
        """Run the command once."""
        name = self._words[0]
        try:
            done = subprocess.run(  # noqa: S603 - the command is the user's own, and no shell reads it
                self._words,
                input=json.dumps(wanted_order(self._currency)).encode(),
                stdout=subprocess.PIPE,
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotMeasuredError(f"{name} made no order within {self._seconds:g} s") from None
        except OSError as error:
            raise TargetError(f"--order-hook {name}: {error.strerror or type(error).__name__}") from None
        if done.returncode:
            raise NotMeasuredError(f"{name} made no order: it ended with {done.returncode}")
        lines = done.stdout[:4_096].decode("utf-8", "replace").split()
        return _checked(lines[-1] if lines else None, name)


def _checked(order_id: Any, source: str) -> str:
    if not isinstance(order_id, str) or _ORDER_ID.fullmatch(order_id) is None:
        raise NotMeasuredError(f"{source} gave no usable order id")
    return order_id
