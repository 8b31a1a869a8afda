"""Whose name a run acts in: taken from the environment, and from flags only where a leaked flag harms nobody."""

from __future__ import annotations

import os
from ipaddress import ip_address
from urllib.parse import urlsplit

from conformance.exceptions import UsageError

__all__ = ["PASSWORD", "USERNAME", "from_environment", "is_loopback", "read_credentials"]

USERNAME = "KLARNA_USERNAME"
PASSWORD = "KLARNA_PASSWORD"  # noqa: S105 - the name of a variable, not a password


def from_environment() -> tuple[str, str] | None:
    """Read both variables; None when neither is set. Raises UsageError when one is missing or empty."""
    username, password = os.environ.get(USERNAME), os.environ.get(PASSWORD)
    if username is None and password is None:
        return None
    if not username or not password:
        raise UsageError(f"{USERNAME} and {PASSWORD} belong together: set both or neither")
    return username, password


def read_credentials(base_url: str, username: str | None, password: str | None) -> tuple[str, str]:
    """Choose the credentials for a target, flags before the environment.

    Flags end in shell histories and process lists, so a target that is not on loopback takes the environment only.
    Raises UsageError when there are none, when one half is missing, or when flags are given for a remote target.
    """
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


def is_loopback(base_url: str) -> bool:
    """Tell whether an address stays on this machine, judged by its text: no name is looked up."""
    try:
        host = (urlsplit(base_url).hostname or "").rstrip(".")
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:
        return False
