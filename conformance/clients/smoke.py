"""Checks an adapter against a server that does nothing wrong, so that what is found later is the client's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from conformance.clients.adapter import AdapterError
from conformance.clients.call import Call, CouldNotTry, Hello, Outcome, Raised, Returned, Unsupported
from conformance.clients.double import Double
from conformance.clients.process_adapter import ProcessAdapter
from conformance.contract.contract import Contract, load_contract
from conformance.simulator.merchant import DEFAULT_MERCHANTS

__all__ = ["SmokeCheck", "smoke"]

_UNKNOWN = "noSuchOperation"
_READ = "getOrder"
_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class SmokeCheck:
    """What one check came to; ``why`` says what was seen."""

    name: str
    passed: bool
    why: str = ""


def smoke(
    command: Sequence[str], contract: Contract | None = None, *, patience_s: float = 10.0
) -> tuple[SmokeCheck, ...]:
    """Run every check on an adapter; raises UsageError when the command cannot be started at all."""
    chosen = contract or load_contract()
    with Double(chosen, seed=0) as double, asyncio.Runner() as runner:
        return runner.run(_Smoke(ProcessAdapter(command, patience_s=patience_s), double, chosen).checks())


class _Smoke:
    """One adapter under check."""

    def __init__(self, adapter: ProcessAdapter, double: Double, contract: Contract) -> None:
        self._adapter = adapter
        self._double = double
        self._contract = contract
        self._hello = Hello("")
        self._order = double.create_order({})

    async def checks(self) -> tuple[SmokeCheck, ...]:
        """Run the checks in order; those that build on a greeting need one."""
        try:
            done = [await self._one("says hello", self._greets)]
            if done[0].passed:
                done += [
                    await self._one("names operations of the API only", self._names),
                    await self._one("answers unsupported to an unknown operation", self._unknown),
                    await self._one("makes a call and hands over what the client returned", self._reads),
                    await self._one("hands over a failure of the client", self._fails),
                    await self._one("keeps many calls apart", self._many),
                    await self._one("goes on after all of that without having been restarted", self._steady),
                ]
            return (*done, await self._one("ends when it is told goodbye", self._leaves))
        finally:
            await self._adapter.close()

    async def _one(self, name: str, check: Callable[[], Awaitable[str]]) -> SmokeCheck:
        try:
            return SmokeCheck(name, True, await check())
        except AdapterError as error:
            return SmokeCheck(name, False, str(error))

    async def _greets(self) -> str:
        self._hello = await self._adapter.start()
        return " ".join(part for part in (self._hello.name, self._hello.version, self._hello.language) if part)

    async def _names(self) -> str:
        unknown = sorted(name for name in self._hello.operations if name not in self._contract.operations)
        if unknown:
            raise AdapterError(f"{', '.join(unknown)[:200]}: no operationId of the API")
        if not self._hello.operations:
            raise AdapterError("it names no operation, so that nothing could be measured")
        return f"{len(self._hello.operations)} of {len(self._contract.operations)}"

    async def _unknown(self) -> str:
        outcome = await self._call("unknown", _UNKNOWN)
        if not isinstance(outcome, Unsupported):
            raise AdapterError(f"it answered {_told(outcome)}")
        return ""

    async def _reads(self) -> str:
        if _READ not in self._hello.operations:
            return f"not tried: it has no {_READ}"
        outcome = await self._call("read", _READ)
        if not isinstance(outcome, Returned):
            raise AdapterError(f"{_READ} on a good server: it answered {_told(outcome)}")
        if not isinstance(outcome.value, dict) or self._order not in str(outcome.value):
            raise AdapterError(f"{_READ} on a good server: the value is no order: {str(outcome.value)[:200]}")
        return ""

    async def _fails(self) -> str:
        if _READ not in self._hello.operations:
            return f"not tried: it has no {_READ}"
        outcome = await self._call("missing", _READ, order_id="00000000-0000-4000-8000-000000000000")
        if not isinstance(outcome, Raised):
            # The client may really report success here; the scenarios find that out.
            return f"an order that does not exist: {_told(outcome)}"
        return f"an order that does not exist: raised {outcome.kind[:80]}, status {outcome.status}"

    async def _many(self) -> str:
        if _READ not in self._hello.operations:
            return f"not tried: it has no {_READ}"
        orders = [self._double.create_order({}) for _ in range(min(self._hello.concurrency or _AT_ONCE, _AT_ONCE))]
        begun = time.perf_counter()
        outcomes = await asyncio.gather(
            *(self._call(f"many-{number}", _READ, order, f"many-{number}") for number, order in enumerate(orders))
        )
        for order, outcome in zip(orders, outcomes, strict=True):
            if isinstance(outcome, Returned) and order not in str(outcome.value):
                raise AdapterError("the answer to one call was given to another")
            if not isinstance(outcome, Returned):
                raise AdapterError(f"one of {len(orders)} calls at once: it answered {_told(outcome)}")
        return f"{len(orders)} at once in {time.perf_counter() - begun:.2f} s"

    async def _steady(self) -> str:
        if self._adapter.starts != 1:
            raise AdapterError(f"it had to be started {self._adapter.starts} times")
        return ""

    async def _leaves(self) -> str:
        if not await self._adapter.leave():
            raise AdapterError("it had to be killed")
        return ""

    async def _call(self, name: str, operation: str, order_id: str = "", session: str = "smoke") -> Outcome:
        merchant = DEFAULT_MERCHANTS[0]
        return await self._adapter.call(
            Call(
                id=f"smoke-{name}",
                session=session,
                base_url=self._double.base_url(),
                username=merchant.username,
                password=merchant.password,
                operation=operation,
                path={"order_id": order_id or self._order},
            )
        )


def _told(outcome: Outcome) -> str:
    if isinstance(outcome, Returned):
        return f"returned {str(outcome.value)[:120]}"
    if isinstance(outcome, Raised):
        return f"raised {outcome.kind[:80]} {outcome.text[:160]}".rstrip()
    return f"could_not_try: {outcome.why[:200]}" if isinstance(outcome, CouldNotTry) else "unsupported"
