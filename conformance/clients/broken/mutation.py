"""What a broken client is: the reference client with one decision made wrongly, and what that is meant to teach."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from conformance.clients.reference.client import Client, connect

__all__ = ["ZOO", "Broken", "Kind", "Mutation", "broken"]

Kind = Literal[
    "path",
    "encoding",
    "media",
    "credentials",
    "numbers",
    "results",
    "errors",
    "retry",
    "transport",
    "text",
    "security",
]
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])")
_zoo: dict[str, Mutation] = {}
ZOO: Mapping[str, Mutation] = MappingProxyType(_zoo)
"""Every broken client by its id."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One broken client.

    ``defect`` says what it does wrongly, ``costs`` what that costs a merchant, ``killed_by`` names the scenario that
    must find it. ``connect`` takes what the reference client's factory takes.
    """

    id: str
    kind: Kind
    defect: str
    costs: str
    killed_by: str
    connect: Callable[..., Client]


class Broken(Client):
    """The reference client, to be overridden in one place."""

    @classmethod
    def open(cls, base_url: str, username: str, password: str, **options: Any) -> Client:
        """Return a client for one merchant, as ``connect`` does."""
        return connect(base_url, username, password, variant=cls, **options)


Variant = TypeVar("Variant", bound=type[Broken])


def broken(kind: Kind, killed_by: str, costs: str) -> Callable[[Variant], Variant]:
    """Put a class into the zoo; its name becomes the id, the first line of its docstring the defect."""

    def enter(variant: Variant) -> Variant:
        identity = _WORD.sub("-", variant.__name__).lower()
        defect = (variant.__doc__ or "").strip().splitlines()[0]
        _zoo[identity] = Mutation(identity, kind, defect, costs, killed_by, variant.open)
        return variant

    return enter
