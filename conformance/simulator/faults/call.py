"""One request on its way through a faulty service: what was asked, of which order, and how the service proceeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.exchange import Headers, Request, Response
from conformance.simulator.order import Capture, Order
from conformance.simulator.request_body import MalformedBodyError, parse
from conformance.simulator.shape import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

__all__ = ["AMOUNT_FIELD", "Call", "answered_json", "without_framing"]

AMOUNT_FIELD = {
    "captureOrder": "captured_amount",
    "refundOrder": "refunded_amount",
    "updateAuthorization": "order_amount",
}
KEY = "Klarna-Idempotency-Key"
CORRELATION = "Klarna-Correlation-Id"


@dataclass(slots=True)
class Call:
    """What a behaviour sees.

    ``operation`` is empty when no operation takes the request. ``order`` is the caller's own order, None when there is
    none under the id; ``stored`` is the order whoever owns it. ``memory`` lives until the simulator is set back;
    ``rival`` counts the requests of the same moment that came before this one, and ``moment`` is shared among them.
    """

    request: Request
    operation: str
    ids: Mapping[str, str]
    order: Order | None
    stored: Order | None
    now: datetime
    number: int
    memory: dict[Any, Any]
    rival: int
    moment: dict[Any, Any]
    onward: Callable[[Request], Response]
    refusing: Callable[[int, str, Iterable[str]], Response]
    sent: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.sent = _object(self.request.body)

    @property
    def amount(self) -> int | None:
        """The amount that the request asks for, in minor units; None when it asks for none."""
        value = self.sent.get(AMOUNT_FIELD.get(self.operation, ""))
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def key(self) -> str:
        """The idempotency key, empty when there is none."""
        return self.request.headers.get(KEY) or ""

    @property
    def capture(self) -> Capture | None:
        """The capture that the path names, if the order has it."""
        return None if self.order is None else self.order.captures.get(self.ids.get("capture_id", ""))

    def proceed(self, request: Request | None = None) -> Response:
        """Let the service answer the request, or another in its place, as it should."""
        return self.onward(self.request if request is None else request)

    def refuse(self, status: int, code: str, *messages: str) -> Response:
        """Answer with an error object of any status and code."""
        return self.refusing(status, code, messages)

    def rewritten(self, body: Mapping[str, Any]) -> Request:
        """Return the request with another body."""
        return Request(self.request.method, self.request.target, self.request.headers, encode(body))

    def addressed(self, target: str, method: str = "") -> Request:
        """Return the request with another target, and another method if one is given."""
        return Request(method or self.request.method, target, self.request.headers, self.request.body)

    def keyed(self, key: str) -> Request:
        """Return the request with another idempotency key, without one when it is empty."""
        kept = self.request.headers.without(KEY).items
        added = ((KEY, key),) if key else ()
        return Request(self.request.method, self.request.target, Headers((*kept, *added)), self.request.body)

    def headed(self, name: str, value: str) -> Request:
        """Return the request with another value of one header field."""
        kept = self.request.headers.without(name).items
        return Request(self.request.method, self.request.target, Headers((*kept, (name, value))), self.request.body)

    @contextmanager
    def pretending(self, **fields: Any) -> Iterator[None]:
        """Let the order look different while the service decides, and as it was once it has."""
        order = self.order
        before = {} if order is None else {name: getattr(order, name) for name in fields}
        try:
            for name in before:
                setattr(order, name, fields[name])
            yield
        finally:
            for name, value in before.items():
                setattr(order, name, value)
            if order is not None:
                order.captures_changed()


def _object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = parse(body)
    except MalformedBodyError:
        return {}
    return value if isinstance(value, dict) else {}


def answered_json(response: Response) -> Any:
    """Return the JSON value of an answer, None when there is none."""
    try:
        return parse(response.body) if response.body else None
    except MalformedBodyError:
        return None


def without_framing(headers: Headers) -> Headers:
    """Return the fields of an answer that do not speak of its body's length."""
    return headers.without("Content-Length", "Transfer-Encoding")
