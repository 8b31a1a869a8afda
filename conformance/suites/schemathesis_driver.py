"""Schemathesis invents the requests, live orders receive them, and the suite's own judge speaks.

Left to itself a generator of requests asks about orders that do not exist, and a refusal for that reason hides every
other fault. So each generated request that names an order is bound to one that exists, in a state that allows the
operation. Requests are generated in process and sent by the target, so that limits and judgement are those of every
other case.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from unittest import SkipTest
from urllib.parse import urlsplit
from uuid import UUID

from conformance.contract.contract import Contract
from conformance.contract.document import read_document
from conformance.contract.operation import Operation
from conformance.exceptions import ConformanceError, UsageError
from conformance.exchange import Exchange, Headers, Request
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.example_memory import ExampleMemory
from conformance.suites.expectations import CODES, representative
from conformance.suites.hypothesis_files import out_of_the_way
from conformance.suites.preparation import STATES
from conformance.suites.reply import Reply
from conformance.suites.scene import Scene
from conformance.suites.state_machine import BrokenRuleError, broken_rule
from conformance.suites.stops import NotMeasuredError

if TYPE_CHECKING:
    import requests
    from schemathesis import Case as GeneratedCase
    from schemathesis import Response as GivenResponse

    Generated = GeneratedCase[Any]

__all__ = ["schemathesis_cases"]

FUZZING = "fuzzing"
PHASES: Mapping[str, tuple[str, ...]] = {
    "default": ("examples", "coverage"),
    "deep": ("examples", "coverage", FUZZING),
}
FUZZED = 200
SCENARIOS = 60
STEPS = 12
# An order that refuses everything is read again after this many requests: a refusal must leave no trace.
READ_EVERY = 10
# Headers of the generator that say nothing to a server.
_NOT_SENT = frozenset(
    {"x-schemathesis-testcaseid", "user-agent", "authorization", "klarna-idempotency-key", "content-length"}
)
# What Schemathesis itself says of an answer, under the codes of this suite.
_CODES: Mapping[str, str] = {
    "status_code_conformance": "KOM-101",
    "content_type_conformance": "KOM-103",
    "response_headers_conformance": "KOM-105",
    "response_schema_conformance": "KOM-104",
}
_ROOMY: Mapping[str, tuple[str, ...]] = {
    "captureOrder": ("large", "fresh", "part_captured"),
    "refundOrder": ("large_captured", "part_captured", "part_refunded"),
    "updateAuthorization": ("large", "part_captured"),
}


def schemathesis_cases(contract: Contract, profile: str, memory: ExampleMemory | None = None) -> Iterator[Case]:
    """Yield one case for each operation and phase, and in the deep profile one that walks the links between operations.

    With a ``memory``, fuzzing first tries what failed before, wherever that was, and ends at the first request that
    breaks a rule. Raises UsageError when Schemathesis is not installed.
    """
    try:
        import schemathesis  # noqa: F401, PLC0415 - only this profile needs it
    except ImportError:
        raise UsageError(
            f"the profile {profile} needs Schemathesis: install klarna-conformance[server], or use --profile quick"
        ) from None
    for operation in contract.operations:
        for phase in PHASES[profile]:
            yield Case(
                id=f"{operation.id}/schemathesis/{phase}",
                operation=operation.id,
                state="schemathesis",
                name=phase,
                play=_generated(operation, phase, memory if phase == FUZZING else None),
                codes=CODES["generated write" if operation.writes else "generated read"],
                consumes=operation.writes,
            )
    if profile == "deep":
        yield Case(
            "orders/schemathesis/stateful",
            "",
            "schemathesis",
            "stateful",
            _walked,
            CODES["generated write"],
            consumes=True,
        )


def _generated(operation: Operation, phase: str, memory: ExampleMemory | None) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        from hypothesis import HealthCheck, Phase, Verbosity, settings  # noqa: PLC0415 - heavy
        from schemathesis.generation.hypothesis.builder import (  # noqa: PLC0415 - heavy
            HypothesisTestConfig,
            HypothesisTestMode,
            create_test,
        )

        with out_of_the_way():
            schema = _schema(operation)
            described = _described(schema, operation.id)
            bound = _Bound(conversation, operation, stops=memory is not None)
            test = create_test(
                operation=described,
                test_func=bound.take,
                config=HypothesisTestConfig(
                    project=schema.config,
                    modes=[HypothesisTestMode(phase)],
                    seed=conversation.seed,
                    apply_ci_profile=False,
                    settings=settings(
                        database=None if memory is None else memory.shelf(f"{operation.id}/{phase}"),
                        deadline=None,
                        max_examples=FUZZED,
                        phases=(Phase.explicit, *(() if memory is None else (Phase.reuse,)), Phase.generate),
                        report_multiple_bugs=False,
                        suppress_health_check=list(HealthCheck),
                        verbosity=Verbosity.quiet,
                    ),
                ),
            )
            _run(test, bound)

    return play


def _run(test: Callable[[], None], bound: _Bound) -> None:
    from hypothesis.errors import Flaky  # noqa: PLC0415 - heavy

    try:
        test()
    except SkipTest:
        raise NotMeasuredError("the description gives this phase nothing to send") from None
    except (BrokenRuleError, Flaky):
        # What broke the rule stands in the findings, whether it does so twice or not.
        pass
    bound.finish()


class _Bound:
    """Takes generated requests of one operation and sends them about an order that exists."""

    def __init__(self, conversation: Conversation, operation: Operation, *, stops: bool = False) -> None:
        self._conversation = conversation
        self._stops = stops
        self._operation = operation
        self._scene: Scene | None = None
        self._trouble: ConformanceError | None = None
        self._minted = 0
        self._unread = 0
        known = _ROOMY.get(operation.id, (representative(conversation.contract, operation.id),))
        has_control = conversation.control is not None
        self._states: Sequence[str] = [state for state in known if has_control or not STATES[state].made]

    def take(self, case: Generated) -> None:
        """Send one generated request; trouble with the target is kept for later, as a generator would shrink it."""
        if self._trouble is not None:
            return
        try:
            self._send(case)
        except ConformanceError as trouble:
            self._trouble = trouble
            return
        if self._stops and broken_rule(self._conversation):
            raise BrokenRuleError(broken_rule(self._conversation))

    def finish(self) -> None:
        """Read the last order once more; raises what went wrong on the way."""
        if self._trouble is not None:
            raise self._trouble
        if self._scene is not None:
            self._scene.read()

    def _send(self, case: Generated) -> None:
        scene = self._scene or self._mint()
        _bind(case, scene.ids)
        prepared = _prepared(case, self._conversation)
        if prepared is None:
            return
        reply = self._conversation.send(_request(prepared, self._conversation, self._operation))
        _second_opinion(case, prepared, reply, self._conversation)
        self._unread += 1
        if reply.ok and self._operation.writes:
            self._scene = None
            scene.read()
        elif self._unread % READ_EVERY == 0:
            scene.read()

    def _mint(self) -> Scene:
        self._conversation.chapter = len(self._conversation.exchanges)
        state = self._states[self._minted % len(self._states)]
        self._minted += 1
        self._scene = Scene(self._conversation, self._operation.id, state)
        return self._scene


def _walked(conversation: Conversation) -> None:
    """Let Schemathesis follow the links from answer to request, each walk on an order of its own."""
    from hypothesis import HealthCheck, Phase, seed, settings  # noqa: PLC0415 - heavy
    from schemathesis.generation.stateful.state_machine import APIStateMachine  # noqa: PLC0415 - heavy

    trouble: list[ConformanceError] = []
    with out_of_the_way():
        schema = _schema()
        base: type[APIStateMachine] = schema.as_state_machine()

        class Walk(base):  # type: ignore[misc, valid-type]  # the class is made from the description
            def setup(self) -> None:
                conversation.chapter = len(conversation.exchanges)
                self.scene: Scene | None = None

            def call(self, case: Generated, **_: Any) -> GivenResponse:
                operation = conversation.contract.operations[case.operation.definition.raw["operationId"]]
                if trouble:
                    return _nothing(case)
                try:
                    if self.scene is None:
                        self.scene = Scene(conversation, "captureOrder", "fresh")
                    _bind(case, self.scene.ids, only=("order_id",))
                    prepared = _prepared(case, conversation)
                    if prepared is None:
                        return _nothing(case)
                    reply = conversation.send(_request(prepared, conversation, operation))
                    if operation.writes:
                        self.scene.read()
                    return _response(prepared, reply) if reply.exchange.response is not None else _nothing(case)
                except ConformanceError as stopped:
                    trouble.append(stopped)
                    return _nothing(case)

            def validate_response(self, response: GivenResponse, case: Generated, **_: Any) -> None:
                """The judge has spoken already."""

        seed(conversation.seed)(Walk)
        Walk.run(
            settings=settings(
                database=None,
                deadline=None,
                max_examples=SCENARIOS,
                stateful_step_count=STEPS,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )
        )
    if trouble:
        raise trouble[0]


def _schema(only: Operation | None = None) -> Any:
    """Load the description, whole or what it says of one operation's path: the rest takes time and gives it nothing."""
    import schemathesis  # noqa: PLC0415 - heavy
    from schemathesis.config import SchemathesisConfig  # noqa: PLC0415 - heavy

    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
    described = _description()
    if only is not None:
        described = {**described, "paths": {only.path: described["paths"][only.path]}}
    # Each gets a copy of its own: the loader may write into what it is given.
    return schemathesis.openapi.from_dict(copy.deepcopy(described), config=config)


@functools.cache
def _description() -> Any:
    return read_document("order-management.yaml").value


def _described(schema: Any, operation_id: str) -> Any:
    for result in schema.get_all_operations():
        described = result.ok()
        if described.definition.raw["operationId"] == operation_id:
            return described
    raise KeyError(operation_id)


def _bind(case: Generated, ids: Mapping[str, str], only: Sequence[str] = ()) -> None:
    """Put living ids where the generator put ids that could be; an id that is broken on purpose stays."""
    for name, value in (case.path_parameters or {}).items():
        if name in ids and (not only or name in only) and _is_uuid(value):
            case.path_parameters[name] = ids[name]


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and len(value) == 36 and bool(UUID(value))
    except ValueError:
        return False


def _prepared(case: Generated, conversation: Conversation) -> requests.PreparedRequest | None:
    """Write a generated request as it would travel; None for one that cannot."""
    import requests  # noqa: PLC0415 - heavy

    kwargs = case.as_transport_kwargs(base_url=conversation.target.base_url)
    known = ("method", "url", "headers", "files", "data", "json", "params", "auth", "cookies")
    try:
        return requests.Request(**{name: kwargs[name] for name in known if name in kwargs}).prepare()
    except (ValueError, UnicodeError, requests.RequestException):
        return None


def _request(prepared: requests.PreparedRequest, conversation: Conversation, operation: Operation) -> Request:
    parts = urlsplit(str(prepared.url))
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = [(name, value) for name, value in prepared.headers.items() if name.lower() not in _NOT_SENT]
    headers.append(("Authorization", conversation.target.credentials.authorization))
    if operation.writes:
        headers.append(("Klarna-Idempotency-Key", conversation.new_id()))
    body = prepared.body or b""
    sendable = [(name, value) for name, value in headers if _travels(value)]
    return Request(str(prepared.method), target, Headers(sendable), body.encode() if isinstance(body, str) else body)


def _travels(value: str) -> bool:
    return all(character == "\t" or " " <= character <= "ÿ" for character in value)


def _second_opinion(
    case: Generated, prepared: requests.PreparedRequest, reply: Reply, conversation: Conversation
) -> None:
    """Add what Schemathesis' own checks find in the answer and the judge has not said, explained or not."""
    if reply.exchange.response is None or reply.judgement.operation is None:
        return
    if reply.status >= 400:
        # The description names codes and shapes of refusals that are inferred, and only the judge knows which.
        return
    said = {finding.code for finding in reply.judgement.findings}
    open_checks = [check for check, code in _CODES.items() if code not in said]
    # Nearly always none of them has anything to say, and to ask them one by one costs as much as the request.
    if _failures(case, prepared, reply, open_checks):
        for check in open_checks:
            for failure in _failures(case, prepared, reply, [check]):
                conversation.report(_CODES[check], f"Schemathesis: {_one_line(failure)}", reply)


def _failures(
    case: Generated, prepared: requests.PreparedRequest, reply: Reply, checks: Sequence[str]
) -> Sequence[BaseException]:
    from schemathesis.core.failures import Failure, FailureGroup  # noqa: PLC0415 - heavy

    try:
        case.validate_response(_response(prepared, reply), checks=[_check(check) for check in checks])
    except FailureGroup as several:
        return several.exceptions
    except Failure as failure:
        return (failure,)
    return ()


def _one_line(failure: BaseException) -> str:
    return " ".join(f"{getattr(failure, 'title', '')} {getattr(failure, 'message', failure)}".split())[:300]


def _check(name: str) -> Any:
    from schemathesis import checks  # noqa: PLC0415 - heavy

    return checks.CHECKS.get_one(name)


def _response(prepared: requests.PreparedRequest, reply: Reply) -> GivenResponse:
    from schemathesis import Response  # noqa: PLC0415 - heavy

    exchange: Exchange = reply.exchange
    headers: dict[str, list[str]] = {}
    if exchange.response is None:
        raise ValueError("there is no answer to show")
    for name, value in exchange.response.headers:
        headers.setdefault(name.lower(), []).append(value)
    return Response(
        status_code=exchange.response.status,
        headers=headers,
        content=exchange.response.body,
        request=prepared,
        elapsed=0.0,
        verify=True,
    )


def _nothing(case: Generated) -> GivenResponse:
    """An answer that leads nowhere, for a request that was not sent or not answered."""
    import requests  # noqa: PLC0415 - heavy
    from schemathesis import Response  # noqa: PLC0415 - heavy

    request = requests.Request(case.method, "http://127.0.0.1/").prepare()
    return Response(status_code=504, headers={}, content=b"", request=request, elapsed=0.0, verify=True)
