"""The zoo of broken clients: each is the reference client with one defect, and each must be found.

A broken client is also an attribute of this package, for ``--python conformance.clients.broken:id_lost``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.clients.broken import bodies, failures, requests, results, retries, security, transports
from conformance.clients.broken.mutation import ZOO, Mutation

__all__ = ["ZOO", "Mutation", "bodies", "failures", "requests", "results", "retries", "security", "transports"]


def __getattr__(name: str) -> Callable[..., Any]:
    mutation = ZOO.get(name.replace("_", "-"))
    if mutation is None:
        raise AttributeError(f"no broken client is called {name}")
    return mutation.connect
