"""How sure we are of a fact, so that nothing nobody knows is ever held against a server or a client."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Truth"]


class Truth(StrEnum):
    """Where a fact comes from."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    INFERRED = "inferred"

    @property
    def binds(self) -> bool:
        """Whether a server may be judged by the fact; what is inferred binds nobody."""
        return self is not Truth.INFERRED
