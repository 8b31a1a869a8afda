"""The scenarios as values: read from ``specs/scenarios.yaml`` and expanded over their axes into cases."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from conformance.clients.template import UnknownNameError, fill
from conformance.contract.contract import Contract
from conformance.contract.document import Document, read_document
from conformance.contract.error_table import BodyKind, ErrorRow

__all__ = ["UNSET", "ClientCase", "Step", "client_cases"]

Bindings = Mapping[str, Any]

# Known when a case is played, not before.
RUNTIME = frozenset(
    {"order", "other_order", "capture", "refund", "new_key", "other_origin", "correlation", "soon", "value"}
)

# A refusal that a repetition cannot cure; 401 is a matter of challenges, 409 and 429 of their own rules.
_FINAL = frozenset({400, 403, 404, 413, 422})
_SOME_ID = "00000000-0000-4000-8000-000000000000"
_WORDS: Mapping[str, str] = {
    "order": _SOME_ID, "capture": _SOME_ID, "refund": _SOME_ID, "n": "7000", "m": "8000",
    "field": "captured_amount", "words": "", "operation": "",
}  # fmt: skip


class _Unset:
    """Stands for a body of which nothing is said, as distinct from no body at all."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Any = _Unset()


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a case, still with the placeholders that are filled when it is played.

    ``script`` is what the server does to each attempt: None for a good answer, else one toxic as {kind: parameters}.
    ``user`` is what the user must see: answer, success, failure or either. ``also`` is merged into the order that a
    read is answered with. ``spares`` names an order on which nothing may happen. ``moves`` is the kind of ledger entry
    that one call makes, empty for none.
    """

    operation: str
    path: Mapping[str, str] = field(default_factory=dict)
    body: Any = UNSET
    key: str | None = None
    timeout_s: float = 5.0
    script: tuple[Any, ...] = ()
    user: str = "answer"
    may_refuse: bool = False
    warm: bool = False
    also: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, Any] = field(default_factory=dict)
    spares: str = ""
    moves: str = ""


@dataclass(frozen=True, slots=True)
class ClientCase:
    """One question to a client.

    ``order`` holds the fields of the order that it is asked about; ``certificate`` names the one that the server shows,
    empty for no TLS.
    """

    id: str
    scenario: str
    title: str
    level: str
    requirement: str
    operation: str
    order: Mapping[str, Any]
    steps: tuple[Step, ...]
    own_session: bool = False
    certificate: str = ""

    @property
    def tls(self) -> bool:
        """Whether the server is one that must not be trusted."""
        return bool(self.certificate)

    @property
    def needs_trust(self) -> bool:
        """Whether the question makes sense only to a client that trusts the authority that it is given."""
        return self.certificate not in ("", "unknown_authority")

    @property
    def has_key(self) -> bool:
        """Whether a caller's idempotency key is part of the question."""
        return any(step.key is not None for step in self.steps)

    @property
    def waits(self) -> bool:
        """Whether a correct client may take its time, so that the case had better begin early."""
        return any(_may_wait(toxic) for step in self.steps for toxic in step.script)


def client_cases(contract: Contract) -> tuple[ClientCase, ...]:
    """Return every case, each id once, in the order of the file; raises ContractError for a mistake in it."""
    return _expanded(contract.digest, _Holder(contract))


class _Holder:
    """Carries a contract past the cache, which knows it by its digest."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Holder)


@functools.lru_cache(maxsize=4)
def _expanded(_digest: str, holder: _Holder) -> tuple[ClientCase, ...]:
    document = read_document("scenarios.yaml", "scenarios.schema.json")
    expansion = _Expansion(document, holder.contract)
    return tuple(expansion.cases())


class _Expansion:
    """Turns one document into cases."""

    def __init__(self, document: Document, contract: Contract) -> None:
        self._document = document
        self._contract = contract
        content = document.value
        self._defaults: Mapping[str, Any] = content["operations"]
        self._shapes: Mapping[str, Any] = content["shapes"]
        self._faults: Mapping[str, Any] = content["faults"]
        self._scenarios: list[Mapping[str, Any]] = content["scenarios"]
        described = [operation.id for operation in contract.operations]
        for name in self._defaults:
            if name not in contract.operations:
                raise document.mistake(("operations", name), "is no operation of the API description")
        for name in described:
            if name not in self._defaults:
                raise document.mistake(("operations",), f"does not say how {name} is called")
        writes = [operation.id for operation in contract.operations if operation.writes]
        self._sets = {
            "all": described,
            "writes": writes,
            "keyed": writes,
            "reads": [name for name in described if name not in writes],
            "bodies": [operation.id for operation in contract.operations if operation.body is not None],
        }

    def cases(self) -> Iterator[ClientCase]:
        """Yield the cases; no id may come twice."""
        seen: set[str] = set()
        for index, scenario in enumerate(self._scenarios):
            place = ("scenarios", index)
            if scenario["requirement"] not in self._contract.requirements:
                raise self._document.mistake((*place, "requirement"), f"{scenario['requirement']} is no requirement")
            try:
                for bindings, names in self._bound(list(scenario.get("over", {}).items()), {}, {}):
                    case = self._case(scenario, bindings, names)
                    if case.id in seen:
                        raise self._document.mistake((*place, "id"), f"{case.id} comes twice")
                    seen.add(case.id)
                    yield case
            except UnknownNameError as error:
                raise self._document.mistake(place, f"{{{error.args[0]}}} is no axis of this scenario") from error

    # --- axes -----------------------------------------------------------------------------------------------------

    def _bound(
        self, axes: list[tuple[str, Any]], values: dict[str, Any], names: dict[str, str]
    ) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
        if not axes:
            yield values, names
            return
        (axis, given), *rest = axes
        for name, value in self._values(axis, given, values, names):
            yield from self._bound(rest, values | {axis: value}, names | {axis: name})

    def _values(self, axis: str, given: Any, values: Bindings, names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
        if isinstance(given, Mapping):
            yield from ((name, fill(value, values, RUNTIME)) for name, value in given.items())
        elif axis == "operation":
            for name in self._sets[given] if isinstance(given, str) else given:
                yield name, name
        elif axis == "row":
            yield from self._rows(names["operation"], given)
        elif axis == "shape":
            yield from self._fitting(values)
        elif axis == "fault":
            for name in self._faults if given == "all" else given:
                yield name, self._faults[name]

    def _rows(self, operation: str, which: str) -> Iterator[tuple[str, Any]]:
        seen: set[tuple[int, str]] = set()
        for row in self._contract.errors.rows:
            if operation not in row.operations or not row.truth.binds or row.answer in seen:
                continue
            if which == "refusals" and (row.status not in _FINAL or not row.code):
                continue
            seen.add(row.answer)
            yield f"{row.status}-{row.code or row.body.value}", _row(row)

    def _fitting(self, values: Bindings) -> Iterator[tuple[str, Any]]:
        for name, shape in self._shapes.items():
            if shape["for"] == "json" and not values["row"]["code"]:
                continue
            if "body" in shape:
                body = fill(shape["body"], values, RUNTIME)
                indent = shape.get("indent")
                text = json.dumps(body, indent=indent, separators=(",", ":") if indent is None else None)
            else:
                text = fill(shape["text"], values, RUNTIME)
            yield name, {"text": text, "media": shape.get("media", "")}

    # --- cases ----------------------------------------------------------------------------------------------------

    def _case(self, scenario: Mapping[str, Any], values: Bindings, names: Mapping[str, str]) -> ClientCase:
        # The operation of an axis may carry a value of its own, such as a body; the calls still mean its name.
        operation = names.get("operation") or scenario["calls"][-1]["operation"]
        steps = tuple(
            self._step(fill(call, values, RUNTIME), call.get("operation", operation)) for call in scenario["calls"]
        )
        order = next((fill(call["order"], values, RUNTIME) for call in scenario["calls"] if "order" in call), None)
        return ClientCase(
            id=fill(scenario["id"], names),
            scenario=scenario["id"],
            title=scenario["title"],
            level=scenario["level"],
            requirement=scenario["requirement"],
            operation=operation,
            order=self._defaults[operation].get("order", {}) if order is None else order,
            steps=steps,
            own_session=scenario.get("session") == "own",
            certificate=fill(scenario.get("certificate", ""), values),
        )

    def _step(self, call: Mapping[str, Any], operation: str) -> Step:
        defaults = self._defaults[operation]
        fault = call.get("fault", {})
        body = call.get("body", defaults.get("body"))
        if "amount" in call:
            body = _with_amount(body, call["amount"])
        path = dict(call.get("path", {}))
        if "last" in path:
            path[self._contract.operations[operation].parameters[-1]] = path.pop("last")
        script = tuple(_toxic(given) for given in (*call.get("script", ()), *fault.get("script", ())))
        return Step(
            operation=operation,
            path=path,
            body=body,
            key=call.get("key"),
            timeout_s=call.get("timeout_s", fault.get("timeout_s", 5.0)),
            script=script * call.get("repeat", 1),
            user=call.get("user", "answer"),
            may_refuse=call.get("may_refuse", False),
            warm=fault.get("warm", False),
            also=call.get("also", {}),
            credentials=call.get("credentials", {}),
            spares=call.get("spares", ""),
            moves=defaults.get("moves", ""),
        )


def _row(row: ErrorRow) -> dict[str, Any]:
    message = row.messages[0] if row.messages else HTTPStatus(row.status).phrase
    for name, words in _WORDS.items():
        message = message.replace(f"{{{name}}}", words)
    return {
        "status": row.status,
        "code": row.code if row.body is BodyKind.JSON else "",
        "message": message,
        "reason": HTTPStatus(row.status).phrase,
    }


def _with_amount(body: Mapping[str, Any], amount: int) -> dict[str, Any]:
    """Set the amount of a body; lines that no longer add up to it are left out."""
    name = next(name for name in ("captured_amount", "refunded_amount", "order_amount") if name in body)
    return {key: value for key, value in body.items() if key != "order_lines"} | {name: amount}


def _may_wait(toxic: Mapping[str, Any] | None) -> bool:
    """Whether a client may wait after an answer: all but plain successes and refusals."""
    return toxic is not None and ("answer" not in toxic or toxic["answer"]["status"] >= 429)


def _toxic(given: Any) -> dict[str, Any] | None:
    if given is None:
        return None
    return {given: {}} if isinstance(given, str) else dict(given)
