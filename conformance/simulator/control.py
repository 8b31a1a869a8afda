"""The interface by which tests in any language drive the double: JSON on a port of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qs, unquote

from conformance.exchange import Headers, Request, Response
from conformance.simulator.clock import timestamp
from conformance.simulator.control_error import ControlError, UnknownOrderError
from conformance.simulator.request_body import MalformedBodyError, parse
from conformance.simulator.script import Script, Scripts
from conformance.simulator.service import Simulator
from conformance.simulator.shape import encode
from conformance.simulator.toxic import TOXICS
from conformance.simulator.wire import WireLog

__all__ = ["Control"]

_LOG = logging.getLogger(__name__)

_T = TypeVar("_T")
_Answer = tuple[int, Any]
_Action = Callable[["Control", Request], _Answer]


class Control:
    """Answers control requests for one simulator; mistakes get ``{"error": …}`` with status 400, 404 or 405.

    ``scripts`` and ``wire`` are those of the door before the simulator; without a door there is nothing to play a
    script or to note bytes.
    """

    __slots__ = ("_scripts", "_simulator", "_wire")

    def __init__(self, simulator: Simulator, scripts: Scripts | None = None, wire: WireLog | None = None) -> None:
        self._simulator = simulator
        self._scripts = scripts
        self._wire = wire

    def handle(self, request: Request) -> Response:
        """Answer one control request; it never raises for what the request holds."""
        path = request.target.partition("?")[0].strip("/")
        first, slash, _ = path.partition("/")
        methods = self._OF_ORDERS.get(first, {}) if slash else self._ACTIONS.get(path, {})
        extra: tuple[tuple[str, str], ...] = ()
        answer: Any
        if not methods:
            paths = ", ".join((*self._ACTIONS, *(f"{path}/{{order_id}}" for path in self._OF_ORDERS)))
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
        return 200, self._simulator.ledger(_order_id(request))

    def _toxics(self, _request: Request) -> _Answer:
        return 200, [
            {
                "kind": kind.id,
                "does": kind.does,
                "works": kind.works,
                "parameters": {
                    each.name: {"default": _plain(each.default), "meaning": each.meaning} for each in kind.parameters
                },
            }
            for kind in TOXICS.values()
        ]

    def _play(self, request: Request) -> _Answer:
        fields = dict(_object(request))
        scripts = self._at_the_door(self._scripts)
        order_id, operation = fields.pop("order_id", None), fields.pop("operation", None)
        if not isinstance(order_id, str) or not order_id:
            raise ControlError("order_id: must be the id of an order")
        if operation is not None and (
            not isinstance(operation, str) or operation not in self._simulator.contract.operations
        ):
            raise ControlError(f"operation: {operation!r} is no operation")
        if set(fields) == {"token"} and isinstance(fields["token"], str):
            script = Script.from_token(fields["token"])
        elif set(fields) == {"toxics"}:
            script = Script.parse(fields["toxics"])
        else:
            raise ControlError("either toxics or the token of a script, and nothing else, belongs to an order_id")
        scripts.put(order_id, script, operation)
        return 201, {"token": script.token()}

    def _stop_playing(self, _request: Request) -> _Answer:
        self._at_the_door(self._scripts).clear()
        return 204, None

    def _wire_of(self, request: Request) -> _Answer:
        wire = self._at_the_door(self._wire)
        username = self._simulator.credentials.username
        return 200, [record.described(username) for record in wire.requests(_order_id(request))]

    def _at_the_door(self, thing: _T | None) -> _T:
        if thing is None:
            raise ControlError("only a server on sockets does this")
        return thing

    def _reset(self, _request: Request) -> _Answer:
        self._simulator.reset()
        if self._scripts is not None:
            self._scripts.clear()
        if self._wire is not None:
            self._wire.clear()
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
        "toxics": {"GET": _toxics},
        "scripts": {"POST": _play, "DELETE": _stop_playing},
        "reset": {"POST": _reset},
    }
    _OF_ORDERS: ClassVar[Mapping[str, Mapping[str, _Action]]] = {"ledger": {"GET": _ledger}, "wire": {"GET": _wire_of}}


def _order_id(request: Request) -> str:
    return unquote(request.target.partition("?")[0].strip("/").partition("/")[2])


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


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
