"""The mock itself: the simulator's answers, unless a test forces others, each held against the contract first."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from conformance.contract.contract import load_contract
from conformance.contract.error_table import BodyKind
from conformance.contract.operation import Operation, Route
from conformance.contract.operations import BASE_PATH
from conformance.exceptions import UsageError
from conformance.exchange import Headers, Request, Response
from conformance.mocks.call import Call
from conformance.mocks.mistake import BrokenPromiseError, UnmatchedRequestError, UnusedAnswerError
from conformance.mocks.nearest import Place, differences
from conformance.mocks.operation_mock import OperationMock
from conformance.mocks.order_mock import OrderMock
from conformance.mocks.promise import breaches
from conformance.mocks.resources import Captures, Orders, Refunds, resource
from conformance.mocks.rule import Given, Mishap, Refusal, Rules, Step, Success
from conformance.simulator.answers import Answers
from conformance.simulator.behaviour import behaviour as behaviour_named
from conformance.simulator.control_error import UnknownOrderError
from conformance.simulator.identity import Identities
from conformance.simulator.merchant import DEFAULT_MERCHANTS, Merchant
from conformance.simulator.service import Simulator
from conformance.simulator.wording import messages

__all__ = ["KlarnaMock", "simulator_for"]

_MOST_CALLS = 10_000
_AMOUNTS = ("captured_amount", "refunded_amount", "order_amount")
_USUAL_PORTS = {"http": 80, "https": 443}

_OUTCOMES = {
    Mishap.TIMES_OUT: "timed out",
    Mishap.RESETS: "connection reset",
    Mishap.LOSES_THE_REPLY: "reply lost",
}


class KlarnaMock:
    """A mocked service for the length of a ``with`` block; ``orders``, ``captures`` and ``refunds`` force answers.

    Without a word of the test it answers as the simulator does. Whatever it answers has been held against the
    contract. ``complaints`` collects what went wrong beyond the client's sight: a client that swallows an exception
    still fails its test when the block ends. With ``strict`` off, requests that reach no operation are answered as
    the simulator answers them; with ``check_unused`` off, forced answers may remain.
    """

    def __init__(self, simulator: Simulator, base_url: str, *, strict: bool = True, check_unused: bool = True) -> None:
        self.simulator = simulator
        self.contract = simulator.contract
        self.base_url = base_url.rstrip("/")
        self.mounted = _place(self.base_url)
        self.complaints: list[AssertionError] = []
        merchant = simulator.credentials.merchants[0]
        self.username = merchant.username
        self.password = merchant.password
        self._strict = strict
        self._check_unused = check_unused
        self._lock = threading.RLock()
        self._calls: deque[Call] = deque(maxlen=_MOST_CALLS)
        self._rules = {operation.id: Rules() for operation in self.contract.operations}
        self._identities = Identities(0)
        self._forced = 0
        self._unmount: Callable[[], None] | None = None
        self.orders = resource(Orders, self.operation)
        self.captures = resource(Captures, self.operation)
        self.refunds = resource(Refunds, self.operation)

    @property
    def auth(self) -> tuple[str, str]:
        """Username and password of the merchant whose orders these are."""
        return self.username, self.password

    def operation(self, operation_id: str) -> OperationMock:
        """Return the operation with this id in the API description; raises UsageError for an unknown one."""
        if operation_id not in self._rules:
            raise UsageError(f"{operation_id!r} is no operation; known are {', '.join(self._rules)}")
        operation = self.contract.operations[operation_id]
        rules = self._rules[operation_id]
        return OperationMock(operation, self.contract, self.simulator.behaviour.name, rules, self.requests)

    def order(self, **fields: Any) -> OrderMock:
        """Make an order with any fields of the API, ``amount``, ``currency`` and ``lines`` being short for three."""
        return OrderMock(self.simulator.create_order(fields), self.simulator, self.requests)

    def advance(self, seconds: float) -> None:
        """Let time pass in the mocked service."""
        self.simulator.advance(seconds)

    def requests(self, operation: str | None = None, order_id: str | None = None) -> tuple[Call, ...]:
        """Return what was asked, oldest first, of one operation id or of all, about one order or about all."""
        with self._lock:
            return tuple(
                call
                for call in self._calls
                if operation in (None, call.operation) and order_id in (None, call.order_id)
            )

    # --- answering ----------------------------------------------------------------------------------------------

    def is_meant(self, origin: str, path: str) -> bool:
        """Tell whether a request is for this mock or was probably meant for it, by its host or its path."""
        return origin == self.mounted.origin or BASE_PATH in path

    def answer(self, request: Request, origin: str | None = None) -> Response | Mishap:
        """Answer one request; ``origin`` is scheme, host and port that it went to, None when any will do.

        Raises UnmatchedRequestError or BrokenPromiseError.
        """
        with self._lock:
            route = self._route(request, origin)
            if route is None or route.operation is None:
                return self.simulator.handle(request)
            step = self._step(route.operation, request)
            answer, response = self._carry_out(step, request, route)
            self._note(route, request, answer, response)
            if response is not None:
                self._check(step, request, response, route)
            return answer

    def answer_anyway(self, request: Request) -> Response | Mishap:
        """Answer one request that came over a socket, where no exception can tell: what went wrong is a complaint."""
        try:
            return self.answer(request)
        except AssertionError as complaint:
            self.complaints.append(complaint)
            return self.simulator.handle(request)

    def _route(self, request: Request, origin: str | None) -> Route | None:
        route = self.contract.operations.route(request.method, request.target)
        place = self.mounted if origin is None else Place(origin, self.mounted.prefix)
        if route is not None and route.operation is not None and place == self.mounted:
            before = request.target.partition(BASE_PATH)[0]
            # A doubled slash before the API's own path is on record as accepted.
            if before in (self.mounted.prefix, f"{self.mounted.prefix}/"):
                return route
        if self._strict:
            raise UnmatchedRequestError(
                differences(request.method, place.origin, request.target, self.mounted, self.contract.operations)
            )
        return route

    def _step(self, operation: Operation, request: Request) -> Step | None:
        rules = self._rules[operation.id]
        # Whoever shows no valid credentials learns nothing else, whatever a test forces.
        if self.simulator.credentials.identify(request.headers.get("Authorization")) is None:
            return None
        return rules.next()

    def _carry_out(
        self, step: Step | None, request: Request, route: Route
    ) -> tuple[Response | Mishap, Response | None]:
        """Return what the caller gets, and what the service said, None when it was never asked."""
        if isinstance(step, Refusal):
            response = self._refused(step, request, route)
            return response, response
        if isinstance(step, Given):
            response = self._answers().found(step.body, self._correlation())
            return response, response
        if step in (Mishap.TIMES_OUT, Mishap.RESETS):
            return step, None
        response = self.simulator.handle(request)
        return (step if isinstance(step, Mishap) else response), response

    def _refused(self, step: Refusal, request: Request, route: Route) -> Response:
        row, correlation = step.row, self._correlation()
        answers = self._answers("observed" if row.body is BodyKind.HTML else "documented")
        if row.status == 401:
            response = answers.unauthorized(row, correlation)
        elif row.body is BodyKind.HTML:
            response = answers.illegal_characters(correlation)
        else:
            response = answers.refused(row, self._words(step, request, route), correlation)
        if not step.headers:
            return response
        kept = response.headers.without(*(name for name, _ in step.headers))
        return Response(response.status, Headers((*kept, *step.headers)), response.body)

    def _words(self, step: Refusal, request: Request, route: Route) -> tuple[str, ...]:
        if step.message:
            return (step.message,)
        operation = route.operation.id if route.operation is not None else ""
        known: dict[str, object] = {name.removesuffix("_id"): value for name, value in route.ids.items()}
        known |= {"n": _amount(request), "m": self._captured(route.ids["order_id"]), "field": "body"}
        # Wordings that leave a state open are the last choice: which state it is, only the service knows.
        return messages(step.row, known, operation=operation) or messages(
            step.row, known | {"words": "closed"}, operation=operation
        )

    def _captured(self, order_id: str) -> int:
        try:
            return int(self.simulator.ledger(order_id)["captured"])
        except UnknownOrderError:
            return 0

    def _check(self, step: Step | None, request: Request, response: Response, route: Route) -> None:
        operation = route.operation.id if route.operation is not None else ""
        if isinstance(step, Success) and response.status != step.status:
            said = response.body.decode("utf-8", "replace")[:300]
            raise BrokenPromiseError(
                f"{operation} was to answer {step.status}, but the service would answer {response.status}: {said}"
            )
        is_page = isinstance(step, Refusal) and step.row.body is BodyKind.HTML
        broken = breaches(request, response, route, self.contract, is_page=is_page)
        if broken:
            raise BrokenPromiseError(f"the mock would answer {operation} against the contract: {'; '.join(broken)}")

    def _note(self, route: Route, request: Request, answer: Response | Mishap, response: Response | None) -> None:
        operation = route.operation.id if route.operation is not None else ""
        done = response is not None and 200 <= response.status < 300
        if isinstance(answer, Mishap):
            status, outcome = None, _OUTCOMES[answer]
        else:
            status, outcome = answer.status, f"answered {answer.status}"
        self._calls.append(Call(operation, route.ids["order_id"], request, status, outcome, done))

    def _answers(self, name: str = "documented") -> Answers:
        return Answers(self.simulator.clock, behaviour_named(name))

    def _correlation(self) -> str:
        self._forced += 1
        return self._identities.uuid("forced", self._forced)

    # --- the end ------------------------------------------------------------------------------------------------

    def mounted_by(self, unmount: Callable[[], None]) -> Self:
        """Take note of how the mock is taken down again."""
        self._unmount = unmount
        return self

    def unmount(self) -> None:
        """Take the mock down; what was collected stays readable."""
        if self._unmount is not None:
            unmount, self._unmount = self._unmount, None
            unmount()

    def verify(self) -> None:
        """Raise the first complaint, or an UnusedAnswerError for answers that were forced and never asked for."""
        if self.complaints:
            raise self.complaints[0]
        if not self._check_unused:
            return
        unused = [rule for rules in self._rules.values() for rule in rules.unused()]
        if unused:
            rule = unused[0]
            got = ", ".join(call.outcome for call in self.requests(rule.operation)) or "it was never asked for"
            raise UnusedAnswerError(f"forced on {rule.operation} and not used up: {rule.left} ({got})")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unmount()
        if kind is None:
            self.verify()

    def __repr__(self) -> str:
        return f"<KlarnaMock at {self.base_url}: {len(self._calls)} requests>"


def simulator_for(simulator: Simulator | None, behaviour: str | None, credentials: tuple[str, str] | None) -> Simulator:
    """Return the simulator behind a mock, a new one unless one is given; raises UsageError for what contradicts it."""
    if simulator is None:
        merchants = DEFAULT_MERCHANTS
        if credentials is not None:
            username, password = credentials
            merchants = (Merchant(username, password, username.partition("_")[0] or "mock"), DEFAULT_MERCHANTS[1])
        return Simulator(load_contract(), behaviour=behaviour or "documented", merchants=merchants)
    if behaviour is not None and behaviour != simulator.behaviour.name:
        raise UsageError(f"behaviour={behaviour!r}: the simulator that is given behaves as {simulator.behaviour.name}")
    if credentials is not None:
        raise UsageError("credentials: a simulator that is given has merchants of its own")
    return simulator


def _amount(request: Request) -> int:
    try:
        sent = json.loads(request.body)
    except ValueError:
        return 0
    found = [sent.get(name) for name in _AMOUNTS] if isinstance(sent, dict) else []
    return next((amount for amount in found if isinstance(amount, int)), 0)


def _place(base_url: str) -> Place:
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        raise UsageError(f"base_url={base_url!r}: is no URL") from None
    if parts.scheme not in _USUAL_PORTS or not parts.hostname or parts.username is not None:
        shown = f"{parts.scheme}://{parts.hostname or ''}"
        raise UsageError(f"base_url={shown}: give http or https, a host, and no credentials")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    behind = "" if port in (None, _USUAL_PORTS[parts.scheme]) else f":{port}"
    return Place(f"{parts.scheme}://{host}{behind}", parts.path)
