"""A part of a run for one of many machines, told by the ids of the cases alone, so that nobody has to agree on more."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from conformance.exceptions import UsageError

__all__ = ["MOST_SHARDS", "Shard"]

MOST_SHARDS = 1_000
_WRITTEN = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shard:
    """The ``number``-th of ``of`` parts, from 1; every case is in exactly one part, on every machine in the same."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``2/5``; raises UsageError for anything else."""
        written = _WRITTEN.fullmatch(text)
        if written is None or int(written[1]) > int(written[2]) or int(written[2]) > MOST_SHARDS:
            raise UsageError(
                f"{text!r} is no shard: K/N is the K-th of N parts, K from 1 to N, N at most {MOST_SHARDS}"
            )
        return cls(int(written[1]), int(written[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, case_id: str) -> bool:
        """Tell whether a case is in this part."""
        digest = hashlib.blake2b(case_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest) % self.of == self.number - 1
