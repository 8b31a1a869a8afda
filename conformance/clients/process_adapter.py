"""A client in any language: a long-lived process that speaks the protocol, none of whose tricks may stop a run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from conformance.clients.adapter import AdapterError
from conformance.clients.call import Call, Hello, Outcome, Oversized
from conformance.clients.protocol import BYE, HELLO, ProtocolError, encode_call, hello_from, outcome_from, parse_line
from conformance.clients.secret import masked
from conformance.exceptions import UsageError

__all__ = ["ProcessAdapter", "command_of"]

# Clients without a limit hand over the largest answer of the scenarios several times over; what is longer is a flood.
LONGEST_LINE = 512 * 1024 * 1024
# Of a longer line only the ends are kept: what it answers stands in one of them.
LONGEST_KEPT = 4 * 1024 * 1024
_END_KEPT = 64 * 1024
STDERR_KEPT = 4 * 1024
STDERR_SHOWN = 600
START_S = 30.0
LEAVE_S = 2.0
PROBE_S = 3.0
# Where the stacks of most languages look for a file of authorities to trust.
TRUST = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PROBE = "noSuchOperation"
_AFTER_EXIT_S = 0.2
_AFTER_OUTPUT_S = 1.5


def command_of(text: str) -> tuple[str, ...]:
    """Split a command line as a shell would, without one; raises UsageError when there is nothing to run."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--adapter {text!r}: {error}") from error
    if not words:
        raise UsageError("--adapter: names no command")
    return words


class ProcessAdapter:
    """Runs the command and talks to it; a broken process is killed with its whole group and started anew.

    ``patience_s`` is how long the process may be silent, beyond the time limit of the calls under way, before it
    counts as hung. Several calls may be under way at once; answers are matched by id. ``authorities`` is a file of
    certificates to trust, which the environment of the process names.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        patience_s: float = 15.0,
        start_s: float = START_S,
        authorities: Path | None = None,
    ) -> None:
        self.command = tuple(command)
        self.starts = 0
        self._patience_s = patience_s
        self._start_s = start_s
        self._environment = None if authorities is None else {**os.environ, **dict.fromkeys(TRUST, str(authorities))}
        self._conversation: _Conversation | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> Hello:
        """Start the process and take its greeting."""
        return (await self._running()).hello

    async def call(self, call: Call) -> Outcome:
        """Make one call; raises AdapterError when the process dies, hangs, floods or answers nonsense."""
        conversation = await self._running()
        return await conversation.ask(call)

    async def abandon(self, call: Call) -> None:
        """Ignore what the call still comes to; a process that does nothing else meanwhile is started anew."""
        if self._conversation is not None:
            await self._conversation.give_up(call)

    async def close(self) -> None:
        """Say goodbye; what does not leave by itself is killed."""
        await self.leave()

    async def leave(self) -> bool:
        """Say goodbye and tell whether the process left by itself; True when none was running."""
        conversation, self._conversation = self._conversation, None
        return True if conversation is None else await conversation.end()

    @property
    def process_id(self) -> int | None:
        """The process id while one runs."""
        return None if self._conversation is None else self._conversation.process_id

    async def _running(self) -> _Conversation:
        async with self._starting:
            if self._conversation is not None and self._conversation.broken:
                await self._conversation.end()
                self._conversation = None
            if self._conversation is None:
                self.starts += 1
                self._conversation = await self._started()
            return self._conversation

    async def _started(self) -> _Conversation:
        loop = asyncio.get_running_loop()
        try:
            transport, conversation = await loop.subprocess_exec(
                lambda: _Conversation(self._patience_s),
                *self.command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                start_new_session=True,
                env=self._environment,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"--adapter {self.command[0]}: cannot be started: {reason}") from error
        conversation.attach(transport)
        try:
            await conversation.greet(self._start_s)
        except BaseException:
            await conversation.end()
            raise
        return conversation


class _Conversation(asyncio.SubprocessProtocol):
    """One process from its start to its end."""

    def __init__(self, patience_s: float) -> None:
        self.hello = Hello("")
        self.broken = False
        self.process_id: int | None = None
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._unread = bytearray()
        self._scanned = 0
        self._left_out = 0
        self._stderr = bytearray()
        self._unsent: list[bytes] = []
        self._waiting: dict[str, asyncio.Future[Outcome]] = {}
        self._limits: dict[str, float] = {}
        self._given_up: set[str] = set()
        self._secrets: set[str] = set()
        self._greeting: asyncio.Future[Hello] = self._loop.create_future()
        self._left = asyncio.Event()
        self._drained = False
        self._watch: asyncio.TimerHandle | None = None
        self._heard_s = self._loop.time()

    def attach(self, transport: asyncio.SubprocessTransport) -> None:
        """Take over the pipes."""
        self._transport = transport
        self.process_id = transport.get_pid()
        stdin = transport.get_pipe_transport(0)
        if isinstance(stdin, asyncio.WriteTransport):
            self._stdin = stdin

    async def greet(self, limit_s: float) -> None:
        """Exchange greetings; raises AdapterError when none comes in time or it is no greeting."""
        self._write(HELLO)
        try:
            self.hello = await asyncio.wait_for(self._greeting, limit_s)
        except TimeoutError:
            self._break(f"said no hello within {limit_s:g} s")
            raise AdapterError(self._told(f"the adapter said no hello within {limit_s:g} s")) from None

    async def ask(self, call: Call) -> Outcome:
        """Send a call and wait for its answer."""
        if self.broken:
            raise AdapterError(self._told("the adapter has ended"), alone=False)
        answer: asyncio.Future[Outcome] = self._loop.create_future()
        self._waiting[call.id] = answer
        self._limits[call.id] = call.timeout_s
        self._secrets.add(call.password)
        if len(self._waiting) == 1:
            self._heard_s = self._loop.time()
        if self._watch is None:
            self._watch = self._loop.call_later(self._patience_s, self._look)
        self._write(encode_call(call))
        try:
            return await answer
        finally:
            self._waiting.pop(call.id, None)
            self._limits.pop(call.id, None)

    async def give_up(self, call: Call) -> None:
        """Ignore a call from now on; end the process unless it shows that it can still do something else."""
        if self.broken:
            return
        self._given_up.add(call.id)
        stuck = f"does nothing else while {call.operation} does not come back"
        if self.hello.concurrency is not None and self.hello.concurrency <= len(self._given_up):
            self._break(stuck, innocent=True)
            return
        probe = replace(call, id=f"probe {call.id}", session="probe", operation=_PROBE, body=None, idempotency_key=None)
        try:
            await asyncio.wait_for(self.ask(probe), PROBE_S)
        except TimeoutError:
            self._break(stuck, innocent=True)
        except AdapterError:
            # It ended in the meantime, which the other calls have been told.
            return

    async def end(self) -> bool:
        """Let the process leave by itself if it is well, kill what is left of its group, and reap it."""
        left = False
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if not self.broken:
            self._write(BYE)
            self._flush()
            if self._stdin is not None:
                self._stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), LEAVE_S)
                left = True
            self.broken = True
        self._kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._left.wait(), LEAVE_S)
        if self._transport is not None:
            self._transport.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(AdapterError("the run ended before the adapter answered", alone=False))
        return left

    # --- what the event loop tells ------------------------------------------------------------------------------

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Take in what the process wrote."""
        if fd == 2:
            self._stderr += data
            del self._stderr[:-STDERR_KEPT]
            return
        if self.broken:
            return
        self._unread += data
        while (end := self._unread.find(b"\n", self._scanned)) >= 0:
            line = bytes(self._unread[:end])
            del self._unread[: end + 1]
            self._scanned = 0
            left_out, self._left_out = self._left_out, 0
            if left_out:
                self._take_oversized(line, len(line) + left_out)
            elif line.strip():
                self._take(line)
            if self._is_broken():
                return
        if len(self._unread) > LONGEST_KEPT:
            # Both ends are kept: the middle of a line this long says nothing that could be used.
            self._left_out += len(self._unread) - 2 * _END_KEPT
            del self._unread[_END_KEPT:-_END_KEPT]
            self._heard_s = self._loop.time()
        self._scanned = len(self._unread)
        if self._left_out > LONGEST_LINE:
            self._break(f"wrote more than {LONGEST_LINE} bytes without an end of line")

    def process_exited(self) -> None:
        """Note the end; the pipes may still hold lines, so that the calls fail when they are drained."""
        self._left.set()
        # A grandchild may hold the pipe open for ever.
        self._loop.call_later(0 if self._drained else _AFTER_EXIT_S, self._gone)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio hands it over
        """Treat a closed output as the end: nothing can be answered any more."""
        if fd == 1:
            self._drained = True
            # Whoever ends closes its output first; how it ended says more.
            self._loop.call_later(0 if self._left.is_set() else _AFTER_OUTPUT_S, self._gone)

    def _is_broken(self) -> bool:
        # A call, since what a line does to this state is hidden from a reader of types.
        return self.broken

    # --- inside ---------------------------------------------------------------------------------------------------

    def _take(self, line: bytes) -> None:
        self._heard_s = self._loop.time()
        try:
            message = parse_line(line)
        except ProtocolError as error:
            self._break(f"wrote a line that {error}")
            return
        if message["type"] == "hello":
            if self._greeting.done():
                self._break("said hello twice")
            else:
                self._greeting.set_result(hello_from(message))
            return
        if not self._greeting.done():
            self._break("answered before it said hello")
            return
        self._settle(message["id"], outcome_from(message))

    def _take_oversized(self, line: bytes, size: int) -> None:
        """Find out which call a line answers of which only the ends are left."""
        self._heard_s = self._loop.time()
        # Some writers of JSON put a backslash before each slash.
        ends = line.replace(b"\\/", b"/")
        under_way = [*self._waiting, *self._given_up]
        named = [
            number
            for number in under_way
            if re.search(rb'"id"\s*:\s*' + re.escape(json.dumps(number).encode("ascii")), ends)
        ]
        if len(named) == 1:
            self._settle(named[0], Oversized(size))
        else:
            self._break(f"wrote a line of {size} bytes that does not tell, at either end, which call it answers")

    def _settle(self, number: str, outcome: Outcome) -> None:
        answer = self._waiting.pop(number, None)
        if answer is None:
            if number in self._given_up:
                self._given_up.remove(number)
            else:
                self._break(f"answered a call that does not wait for an answer: {number[:80]!r}")
        elif not answer.done():
            answer.set_result(outcome)

    def _gone(self) -> None:
        code = None if self._transport is None else self._transport.get_returncode()
        if code is None:
            how = "closed its output"
        elif code < 0:
            how = f"was ended by {signal.Signals(-code).name}" if -code in signal.valid_signals() else f"ended: {code}"
        else:
            how = f"ended with exit status {code}"
        self._break(how)

    def _look(self) -> None:
        """Find out whether the process is silent for longer than any of its calls can explain."""
        self._watch = None
        if self.broken or not self._waiting:
            return
        allowed_s = self._patience_s + max(self._limits.values(), default=0.0)
        silent_s = self._loop.time() - self._heard_s
        if silent_s >= allowed_s and self._drained:
            self._gone()
        elif silent_s >= allowed_s:
            self._break(f"was silent for {silent_s:.0f} s with {len(self._waiting)} calls under way")
        else:
            self._watch = self._loop.call_later(allowed_s - silent_s + 0.01, self._look)

    def _break(self, reason: str, *, innocent: bool = False) -> None:
        if self.broken:
            return
        self.broken = True
        self._kill()
        alone = len(self._waiting) <= 1 and not innocent
        error_text = self._told(f"the adapter {reason}")
        if not self._greeting.done():
            self._greeting.set_exception(AdapterError(error_text))
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(AdapterError(error_text, alone=alone, innocent=innocent))
        self._waiting.clear()
        self._unread.clear()

    def _told(self, reason: str) -> str:
        """Add what the process last complained about, without secrets and control characters."""
        complaint = masked(self._stderr.decode("utf-8", "replace").strip()[-STDERR_SHOWN:], self._secrets)
        reason = masked(reason, self._secrets)
        return f"{reason}; its last words: {' '.join(complaint.split())}" if complaint else reason

    def _write(self, line: bytes) -> None:
        # Calls made in one turn of the loop go out in one write.
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(line)

    def _flush(self) -> None:
        lines, self._unsent = self._unsent, []
        if lines and self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(b"".join(lines))

    def _kill(self) -> None:
        if self.process_id is None:
            return
        # Its own session made it the leader of a group; children that outlive it are found by that.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process_id, signal.SIGKILL)
