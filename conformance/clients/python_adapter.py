"""A client in Python, in this process: an object with a method for each operation, or a callable that speaks JSON."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import inspect
import json
import queue
import re
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conformance.clients.adapter import AdapterError
from conformance.clients.call import Call, CouldNotTry, Hello, NeverReturned, Outcome, Raised, Returned, Unsupported
from conformance.clients.protocol import ProtocolError, encode_call, outcome_from, parse_line
from conformance.clients.secret import masked
from conformance.contract.operations import Operations
from conformance.exceptions import UsageError

__all__ = ["PythonAdapter", "load_object", "method_name"]

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# The one operation whose own name would shadow a common method.
_OTHER_NAMES = {"get": ("get_refund", "get")}

_STATUS = ("status", "status_code", "http_status", "http_status_code")
_CODE = ("error_code",)
_MESSAGES = ("error_messages", "messages")
_CORRELATION = ("correlation_id",)
_LONGEST_TEXT = 4_000
_DEEPEST = 30


def method_name(operation: str) -> str:
    """Return the name that a Python client gives an operation: ``captureOrder`` is ``capture_order``."""
    return _OTHER_NAMES.get(operation, (_WORD.sub("_", operation).lower(),))[0]


def load_object(text: str) -> Any:
    """Import what ``MODULE:OBJECT`` names; raises UsageError saying which half is wrong."""
    module_name, colon, attribute = text.partition(":")
    if not colon or not module_name or not attribute:
        raise UsageError(f"--python {text!r}: must read MODULE:OBJECT")
    here = str(Path.cwd())
    if here not in sys.path:
        # As `python -m` does: a client under development lies in the current directory.
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise UsageError(f"--python {text}: {module_name} cannot be imported: {_short(error)}") from error
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise UsageError(f"--python {text}: {module_name} has no {attribute}") from None
    return found


class PythonAdapter:
    """Calls a client in this process, each session on a thread of its own, or on the loop where it is async.

    ``made`` is a factory called with base_url, username, password and timeout_s that returns the client, whose
    methods bear the operation ids in snake case and take the path parameters in order, then the body, then the
    keywords idempotency_key and timeout_s where they have them. A factory with a parameter ``verify`` is given the path
    of ``authorities`` there, a file of certificates to trust. ``made`` may also be a callable that takes one call as
    the protocol's ``run`` object and returns its ``result``.
    """

    def __init__(
        self,
        made: Any,
        operations: Operations,
        *,
        name: str = "",
        patience_s: float = 30.0,
        authorities: Path | None = None,
    ) -> None:
        if not callable(made):
            raise UsageError(f"--python {name}: is neither a factory nor a callable")
        self._made = made
        self._operations = operations
        self._name = name or getattr(made, "__name__", type(made).__name__)
        self._patience_s = patience_s
        self._authorities = authorities
        self._accepted = _parameters(made)
        self.speaks_json = "base_url" not in self._accepted and not _takes_any(made)
        self._sessions: dict[str, _Session] = {}

    async def start(self) -> Hello:
        """Introduce the client; which operations it has shows when they are called."""
        hello = getattr(self._made, "hello", None)
        given: Mapping[str, Any] = hello if isinstance(hello, Mapping) else {}
        features = given.get("features")
        return Hello(
            name=str(given.get("name") or self._name),
            version=str(given.get("version") or ""),
            language="python",
            operations=frozenset(operation.id for operation in self._operations),
            features=features if isinstance(features, Mapping) else {},
        )

    async def call(self, call: Call) -> Outcome:
        """Make one call and see what a user would see."""
        session = self._sessions.get(call.session)
        if session is None:
            session = self._sessions[call.session] = _Session(self, call)
        limit_s = self._patience_s + call.timeout_s
        try:
            return await asyncio.wait_for(session.call(call), limit_s)
        except TimeoutError:
            await self.abandon(call)
            if not self.speaks_json:
                return NeverReturned(limit_s)
            raise AdapterError(f"the callable did not come back from {call.operation} within {limit_s:g} s") from None

    async def abandon(self, call: Call) -> None:
        """Leave the client object behind, on its thread."""
        session = self._sessions.pop(call.session, None)
        if session is not None:
            session.abandon()

    async def close(self) -> None:
        """Close every client that can be closed."""
        sessions, self._sessions = self._sessions, {}
        await asyncio.gather(*(session.close() for session in sessions.values()))

    # --- one call, on whichever thread ----------------------------------------------------------------------------

    def create(self, call: Call) -> Any:
        """Make the client object of a session."""
        given: dict[str, Any] = {
            "base_url": call.base_url,
            "username": call.username,
            "password": call.password,
            "timeout_s": call.timeout_s,
        }
        if not _takes_any(self._made):
            given = {name: value for name, value in given.items() if name in self._accepted}
        if "verify" in self._accepted and self._authorities is not None and call.base_url.startswith("https:"):
            given["verify"] = str(self._authorities)
        return self._made(**given)

    def begin(self, client: Any, call: Call) -> Any:
        """Call the method; returns its value, an awaitable for it, or an outcome when there was nothing to call."""
        if self.speaks_json:
            return self._made(json.loads(encode_call(call)))
        names = _OTHER_NAMES.get(call.operation, (method_name(call.operation),))
        method = next((found for name in names if callable(found := getattr(client, name, None))), None)
        if method is None:
            return Unsupported()
        operation = self._operations[call.operation]
        positional: list[Any] = [call.path[name] for name in operation.parameters]
        if operation.body is not None:
            positional.append(call.body)
        accepted, takes_any = _parameters(method), _takes_any(method)
        keywords: dict[str, Any] = {}
        if call.idempotency_key is not None:
            if "idempotency_key" not in accepted and not takes_any:
                return CouldNotTry(f"{method_name(call.operation)} takes no idempotency key")
            keywords["idempotency_key"] = call.idempotency_key
        if "timeout_s" in accepted:
            keywords["timeout_s"] = call.timeout_s
        return method(*positional, **keywords)

    def seen(self, value: Any, call: Call) -> Outcome:
        """Turn what came back into an outcome."""
        if isinstance(value, Returned | Raised | Unsupported | CouldNotTry):
            return value
        if not self.speaks_json:
            return Returned(as_json(value))
        try:
            message = parse_line(json.dumps({"type": "result", "id": call.id} | dict(value)).encode())
        except (ProtocolError, TypeError, ValueError) as error:
            raise AdapterError(f"the callable returned no result of the protocol: {_short(error)}") from error
        return outcome_from(message)

    def failed(self, error: BaseException, call: Call) -> Outcome:
        """Turn an exception into what its catcher can see."""
        if isinstance(error, AdapterError):
            raise error
        if self.speaks_json:
            reason = masked(_short(error), {call.password})
            raise AdapterError(f"the callable raised {reason}") from error
        if isinstance(error, NotImplementedError):
            return Unsupported()
        return raised_by(error)


class _Session:
    """One client object. A synchronous one lives on a daemon thread: one that hangs can be left behind."""

    def __init__(self, adapter: PythonAdapter, first: Call) -> None:
        self._adapter = adapter
        self._first = first
        self._client: Any = None
        self._created = False
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def call(self, call: Call) -> Outcome:
        try:
            await self._create()
            value = await self._on_thread(lambda: self._adapter.begin(self._client, call))
            if inspect.isawaitable(value):
                value = await value
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a client raises is what its user sees
            if isinstance(error, KeyboardInterrupt | SystemExit) and not isinstance(error, Exception):
                return Raised(kind="unexpected", text=f"{type(error).__name__} out of the client")
            return self._adapter.failed(error, call)
        return self._adapter.seen(value, call)

    def abandon(self) -> None:
        self._work.put(None)

    async def close(self) -> None:
        closer = next(
            (found for name in ("aclose", "close") if callable(found := getattr(self._client, name, None))), None
        )
        if closer is not None:
            try:
                done = await asyncio.wait_for(self._on_thread(closer), 5)
                if inspect.isawaitable(done):
                    await asyncio.wait_for(done, 5)
            except Exception:  # noqa: BLE001, S110 - how a client closes is not what is judged
                pass
        self._work.put(None)

    async def _create(self) -> None:
        if self._created:
            return
        if not self._adapter.speaks_json:
            try:
                client = await self._on_thread(lambda: self._adapter.create(self._first))
            except RuntimeError as error:
                if "event loop" not in str(error):
                    raise
                # An async client that can only be made where it will live.
                client = self._adapter.create(self._first)
            self._client = await client if inspect.isawaitable(client) else client
        self._created = True

    async def _on_thread(self, work: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        def tell(setter: Callable[[Any], None], value: Any) -> None:
            if not answer.done():
                setter(value)

        def job() -> None:
            try:
                value = work()
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who judges it
                if isinstance(error, StopIteration):
                    # A future refuses it.
                    error = RuntimeError("StopIteration out of the client")
                outcome, setter = error, answer.set_exception
            else:
                outcome, setter = value, answer.set_result
            try:
                loop.call_soon_threadsafe(tell, setter, outcome)
            except RuntimeError:
                # The run is over and its loop closed.
                return

        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="client", daemon=True)
            self._thread.start()
        self._work.put(job)
        return await answer

    def _run(self) -> None:
        while (job := self._work.get()) is not None:
            job()


def raised_by(error: BaseException) -> Raised:
    """Read what a catcher can get at: fields of the error, and of the response that it holds if it holds one."""
    response = getattr(error, "response", None)
    body = _json_of(response)
    messages = _first(error, _MESSAGES)
    if isinstance(messages, str):
        messages = [messages]
    if not isinstance(messages, list | tuple):
        messages = body.get("error_messages")
    if not isinstance(messages, list | tuple):
        single = body.get("error_message")
        messages = [single] if isinstance(single, str) else []
    status = _first(error, _STATUS)
    if status is None:
        status = _first(response, ("status_code", "status"))
    return Raised(
        kind=type(error).__name__,
        status=int(status) if isinstance(status, int) and not isinstance(status, bool) else None,
        error_code=_text(_first(error, _CODE)) or _text(body.get("error_code")),
        error_messages=tuple(message for message in messages if isinstance(message, str)),
        correlation_id=_text(_first(error, _CORRELATION)) or _text(body.get("correlation_id")),
        text=_printed(error),
    )


def as_json(value: Any, depth: int = 0) -> Any:
    """Turn what a client returned into JSON data: objects by their fields, times by their ISO form."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if depth > _DEEPEST:
        return repr(type(value))
    if isinstance(value, Mapping):
        return {str(key): as_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(item, depth + 1) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name), depth + 1) for field in dataclasses.fields(value)}
    for name, arguments in (("model_dump", {"by_alias": True}), ("to_dict", {}), ("isoformat", {})):
        method = getattr(value, name, None)
        if callable(method):
            try:
                return as_json(method(**arguments), depth + 1)
            except Exception:  # noqa: BLE001, S112 - a method of that name need not mean what we think
                continue
    fields = getattr(value, "__dict__", None)
    if isinstance(fields, dict):
        return {name: as_json(item, depth + 1) for name, item in fields.items() if not name.startswith("_")}
    return str(value)


def _json_of(response: Any) -> Mapping[str, Any]:
    reader = getattr(response, "json", None)
    if not callable(reader):
        return {}
    try:
        body = reader()
    except Exception:  # noqa: BLE001 - a body that is no JSON tells nothing
        return {}
    if inspect.iscoroutine(body):
        body.close()
    return body if isinstance(body, Mapping) else {}


def _first(thing: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        value = getattr(thing, name, None)
        if value is not None and not callable(value):
            return value
    return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _printed(error: BaseException) -> str:
    try:
        return str(error)[:_LONGEST_TEXT]
    except Exception:  # noqa: BLE001 - an error that cannot be printed says nothing
        return ""


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(_printed(error).split())[:300]}"


def _parameters(made: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(made).parameters
    except (TypeError, ValueError):
        return {}


def _takes_any(made: Any) -> bool:
    return any(one.kind is inspect.Parameter.VAR_KEYWORD for one in _parameters(made).values())
