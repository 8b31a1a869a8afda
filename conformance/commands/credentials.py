"""Whose name a run acts in: taken from the environment, and from flags only where a leaked flag harms nobody."""

from __future__ import annotations

import os
import stat
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from conformance.exceptions import UsageError

__all__ = ["PASSWORD", "USERNAME", "from_environment", "is_loopback", "read_credentials"]

USERNAME = "KLARNA_USERNAME"
PASSWORD = "KLARNA_PASSWORD"  # noqa: S105 - the name of a variable, not a password
_LONGEST_FILE = 10_000


def from_environment() -> tuple[str, str] | None:
    """Read both variables; None when neither is set. Raises UsageError when one is missing or empty."""
    username, password = os.environ.get(USERNAME), os.environ.get(PASSWORD)
    if username is None and password is None:
        return None
    if not username or not password:
        raise UsageError(f"{USERNAME} and {PASSWORD} belong together: set both or neither")
    return username, password


def read_credentials(
    base_url: str, username: str | None, password: str | None, file: Path | None = None
) -> tuple[str, str]:
    """Choose the credentials for a target: a file before flags before the environment.

    Flags end in shell histories and process lists, so a target that is not on loopback takes the environment only.
    Raises UsageError when there are none, when one half is missing, or when flags are given for a remote target.
    """
    if file is not None:
        if username is not None or password is not None:
            raise UsageError("--credentials takes the place of --username and --password")
        return _from_file(file)
    if username is None and password is None:
        found = from_environment()
        if found is None:
            raise UsageError(f"no credentials: set {USERNAME} and {PASSWORD} in the environment")
        return found
    if not is_loopback(base_url):
        raise UsageError(
            f"--username and --password are for loopback targets; set {USERNAME} and {PASSWORD} in the environment"
        )
    if not username or not password:
        raise UsageError("--username and --password belong together: give both or neither")
    return username, password


def _from_file(file: Path) -> tuple[str, str]:
    """Read two lines, or both variables as KEY=value; raises UsageError for a file that others can read."""
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            data = opened.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or type(error).__name__}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"{file}: others can read these credentials; make it yours alone: chmod 600 {file}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    pairs = dict(line.removeprefix("export ").partition("=")[::2] for line in lines)
    if USERNAME in pairs and PASSWORD in pairs:
        found = pairs[USERNAME].strip("\"'"), pairs[PASSWORD].strip("\"'")
    elif len(lines) == 2 and len(data) <= _LONGEST_FILE:
        found = lines[0], lines[1]
    else:
        found = "", ""
    if not all(found):
        raise UsageError(f"{file}: holds neither two lines nor {USERNAME}=… and {PASSWORD}=…")
    return found


def is_loopback(base_url: str) -> bool:
    """Tell whether an address stays on this machine, judged by its text: no name is looked up."""
    try:
        host = (urlsplit(base_url).hostname or "").rstrip(".")
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:
        return False
