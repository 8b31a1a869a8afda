"""Processes that a benchmark starts, and ends by their own id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
_END_S = 10.0


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str],
    port: int,
    *,
    start_s: float = 30.0,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Iterator[int]:
    """Run a server in a process group of its own for the length of a block; gives its process id.

    Raises RuntimeError with the end of its output when it does not listen within ``start_s`` seconds.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            cwd=directory,
            start_new_session=True,
        )
        try:
            if not _listens(process, port, start_s):
                output.seek(0)
                raise RuntimeError(f"{command[0]} did not start: {output.read()[-600:].decode('utf-8', 'replace')}")
            yield process.pid
        finally:
            _end(process)


def _listens(process: subprocess.Popen[bytes], port: int, start_s: float) -> bool:
    until = time.monotonic() + start_s
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex((HOST, port)) == 0:
                return True
        time.sleep(0.05)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the group to end, and make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            continue
        if number is signal.SIGTERM:
            # Workers that outlive the process that started them are in its group.
            continue
    process.wait()


def cpu_seconds(group: int) -> float:
    """Return the processor time that the processes of a group have used so far; 0.0 where nobody tells."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
