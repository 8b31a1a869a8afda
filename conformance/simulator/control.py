"""The interface by which tests in any language drive the double: JSON on a port of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

from conformance.exchange import Headers, Request, Response
from conformance.simulator.clock import timestamp
from conformance.simulator.control_error import ControlError, UnknownOrderError
from conformance.simulator.request_body import MalformedBodyError, parse
from conformance.simulator.service import Simulator
from conformance.simulator.shape import encode

__all__ = ["Control"]

_LOG = logging.getLogger(__name__)

_Answer = tuple[int, Any]
_Action = Callable[["Control", Request], _Answer]


class Control:
    """Answers control requests for one simulator; mistakes get ``{"error": …}`` with status 400, 404 or 405."""

    __slots__ = ("_simulator",)

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def handle(self, request: Request) -> Response:
        """Answer one control request; it never raises for what the request holds."""
        path = request.target.partition("?")[0].strip("/")
        methods = self._LEDGER if path.startswith("ledger/") else self._ACTIONS.get(path, {})
        extra: tuple[tuple[str, str], ...] = ()
        answer: Any
        if not methods:
            paths = ", ".join((*self._ACTIONS, "ledger/{order_id}"))
            status, answer = 404, {"error": f"no such path; there are {paths}"}
        elif request.method not in methods:
            extra = (("Allow", ", ".join(sorted(methods))),)
            status, answer = 405, {"error": f"{path} takes {' and '.join(sorted(methods))}"}
        else:
            status, answer = self._act(methods[request.method], request)
        if answer is None:
            return Response(status, Headers(extra))
        body = encode(answer)
        told = ("Content-Type", "application/json"), ("Content-Length", str(len(body)))
        return Response(status, Headers((*told, *extra)), body)

    def _act(self, action: _Action, request: Request) -> _Answer:
        try:
            return action(self, request)
        except UnknownOrderError as error:
            return 404, {"error": str(error)}
        except ControlError as error:
            return 400, {"error": str(error)}
        except Exception:  # noqa: BLE001 - whoever drives a long run must be told, and the door must stay open
            _LOG.exception("the control interface failed on %s", request.target.partition("?")[0])
            return 500, {"error": "the simulator failed; its log says how"}

    def _health(self, _request: Request) -> _Answer:
        return 200, {"status": "ok", "behaviour": self._simulator.behaviour.name, "now": self._stamp()}

    def _merchants(self, _request: Request) -> _Answer:
        # The passwords are the simulator's own and published; whoever drives it needs them.
        return 200, [
            {"username": each.username, "password": each.password, "merchant_id": each.merchant_id}
            for each in self._simulator.credentials.merchants
        ]

    def _create_order(self, request: Request) -> _Answer:
        return 201, {"order_id": self._simulator.create_order(_object(request))}

    def _now(self, _request: Request) -> _Answer:
        return 200, {"now": self._stamp()}

    def _advance(self, request: Request) -> _Answer:
        fields = _object(request)
        seconds = fields.get("advance_s")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or len(fields) != 1:
            raise ControlError("advance_s: must be a number of seconds, and nothing else is known here")
        self._simulator.advance(seconds)
        return self._now(request)

    def _faults(self, _request: Request) -> _Answer:
        return 200, self._simulator.faults()

    def _provoke(self, request: Request) -> _Answer:
        self._simulator.provoke(_object(request))
        return 201, {"faults": len(self._simulator.faults())}

    def _clear_faults(self, _request: Request) -> _Answer:
        self._simulator.clear_faults()
        return 204, None

    def _exchanges(self, request: Request) -> _Answer:
        wished = _query(request).get("order_id")
        return 200, [
            self._shown(number, asked, answered)
            for number, asked, answered in self._simulator.numbered_exchanges()
            if wished is None or f"/{wished}" in unquote(asked.target)
        ]

    def _ledger(self, request: Request) -> _Answer:
        path = request.target.partition("?")[0].strip("/")
        return 200, self._simulator.ledger(unquote(path.partition("/")[2]))

    def _reset(self, _request: Request) -> _Answer:
        self._simulator.reset()
        return 204, None

    def _stamp(self) -> str:
        return timestamp(self._simulator.clock.now)

    def _shown(self, number: int, request: Request, response: Response) -> dict[str, Any]:
        return {
            "number": number,
            "request": {
                "method": request.method,
                "target": request.target,
                "headers": [
                    [name, self._simulator.credentials.username(value) if name.lower() == "authorization" else value]
                    for name, value in request.headers
                ],
                "body": request.body.decode("utf-8", "replace"),
            },
            "response": {
                "status": response.status,
                "headers": [list(pair) for pair in response.headers],
                "body": response.body.decode("utf-8", "replace"),
            },
        }

    _ACTIONS: ClassVar[Mapping[str, Mapping[str, _Action]]] = {
        "health": {"GET": _health},
        "merchants": {"GET": _merchants},
        "orders": {"POST": _create_order},
        "clock": {"GET": _now, "POST": _advance},
        "faults": {"GET": _faults, "POST": _provoke, "DELETE": _clear_faults},
        "exchanges": {"GET": _exchanges},
        "reset": {"POST": _reset},
    }
    _LEDGER: ClassVar[Mapping[str, _Action]] = {"GET": _ledger}


def _object(request: Request) -> Mapping[str, Any]:
    """Return the JSON object of a body; an empty body is an empty object."""
    try:
        value = parse(request.body) if request.body.strip() else {}
    except MalformedBodyError:
        raise ControlError("the body is not valid JSON") from None
    if not isinstance(value, dict):
        raise ControlError("the body must be a JSON object")
    return value


def _query(request: Request) -> Mapping[str, str]:
    try:
        fields = parse_qs(request.target.partition("?")[2], keep_blank_values=True, max_num_fields=10)
    except ValueError:
        raise ControlError("the query has too many fields") from None
    return {name: values[0] for name, values in fields.items()}
