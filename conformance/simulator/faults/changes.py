"""The moves that faults are made of: change what is asked, what is answered, or what is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.exchange import Headers, Response
from conformance.simulator.faults.call import Call, answered_json, without_framing
from conformance.simulator.faults.fault import Behaviour
from conformance.simulator.shape import encode

__all__ = [
    "after",
    "asked",
    "each_order",
    "each_text",
    "in_json",
    "in_refusal",
    "in_success",
    "refused",
    "setting",
    "succeeded",
    "with_body",
    "with_headers",
    "with_json",
    "with_status",
]

When = Callable[[Call], bool]
JsonChange = Callable[[Any, Call], Any]
AnswerChange = Callable[[Response, Call], Response]


def succeeded(response: Response) -> bool:
    """Tell whether an answer is a success."""
    return 200 <= response.status < 300


def with_status(response: Response, status: int) -> Response:
    """Return the answer with another status."""
    return Response(status, response.headers, response.body)


def with_headers(response: Response, changed: Mapping[str, str | None]) -> Response:
    """Return the answer with other values of some fields, None taking a field away."""
    kept = response.headers.without(*changed).items
    added = tuple((name, value) for name, value in changed.items() if value is not None)
    return Response(response.status, Headers((*kept, *added)), response.body)


def with_body(response: Response, body: bytes, content_type: str = "application/json") -> Response:
    """Return the answer with another body."""
    kept = without_framing(response.headers).without("Content-Type").items
    framing = ("Content-Type", content_type), ("Content-Length", str(len(body)))
    return Response(response.status, Headers((*kept, *framing)), body)


def with_json(response: Response, value: Any) -> Response:
    """Return the answer with another JSON body."""
    return with_body(response, encode(value), response.headers.get("Content-Type") or "application/json")


def in_json(change: JsonChange, when: When | None = None) -> Behaviour:
    """Change the JSON of successful answers; ``change`` returns the new value."""

    def edit(response: Response, call: Call) -> Response:
        value = answered_json(response)
        return response if value is None else with_json(response, change(value, call))

    return in_success(edit, when)


def in_success(change: AnswerChange, when: When | None = None) -> Behaviour:
    """Change successful answers."""

    def behave(call: Call) -> Response:
        response = call.proceed()
        return change(response, call) if succeeded(response) and (when is None or when(call)) else response

    return behave


def in_refusal(change: AnswerChange, *statuses: int) -> Behaviour:
    """Change refusals, all of them or those with one of the statuses."""

    def behave(call: Call) -> Response:
        response = call.proceed()
        wanted = response.status in statuses if statuses else 400 <= response.status < 500
        return change(response, call) if wanted else response

    return behave


def refused(status: int, code: str, *messages: str, when: When) -> Behaviour:
    """Refuse what should be looked at, with any status and code."""
    return lambda call: call.refuse(status, code, *messages) if when(call) else call.proceed()


def asked(change: Callable[[dict[str, Any], Call], dict[str, Any]], when: When | None = None) -> Behaviour:
    """Have the service carry out another body than the one that was sent."""

    def behave(call: Call) -> Response:
        if not call.sent or (when is not None and not when(call)):
            return call.proceed()
        wanted = change(dict(call.sent), call)
        # A body that stays as it is has to stay so to the letter: blanks decide whether it is too large.
        return call.proceed(call.rewritten(wanted) if wanted != call.sent else None)

    return behave


def after(change: Callable[[Call, Response], None], when: When | None = None) -> Behaviour:
    """Change the order in the store once a request about it has succeeded; replays are no such request."""

    def behave(call: Call) -> Response:
        before = None if call.order is None else (call.order.transaction_count, len(call.order.movements))
        response = call.proceed()
        order = call.order
        if order is None or not succeeded(response) or (when is not None and not when(call)):
            return response
        if (order.transaction_count, len(order.movements)) != before:
            change(call, response)
            order.captures_changed()
        return response

    return behave


def setting(**fields: Any) -> Callable[[Call, Response], None]:
    """Give fields of the order other values once a request has been carried out; a callable computes its value."""

    def change(call: Call, _response: Response) -> None:
        for name, value in fields.items():
            setattr(call.order, name, value(call) if callable(value) else value)

    return change


def each_text(value: Any, names: frozenset[str], change: Callable[[str], Any]) -> Any:
    """Return a JSON value in which the texts of some fields are changed, at any depth."""
    if isinstance(value, dict):
        return {
            name: change(item) if name in names and isinstance(item, str) else each_text(item, names, change)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [each_text(item, names, change) for item in value]
    return value


def each_order(**fields: Callable[[dict[str, Any]], Any]) -> Behaviour:
    """Have reads of the whole order show other values; each is computed from the order as it should be shown."""

    def change(order: Any, _call: Call) -> Any:
        return {**order, **{name: compute(order) for name, compute in fields.items()}}

    return in_json(change)
