"""Plants canaries in every field, header and address of ten thousand exchanges and looks for any that survives.

    python benchmarks/canaries.py [NUMBER]

Exit status 1 when one does.
"""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, datetime

from conformance.contract.contract import load_contract
from conformance.recordings.cassette import Header, cassette_text, redacted
from conformance.recordings.policy import POLICY_VERSION
from conformance.recordings.redaction import redactor_for
from tests.recordings.canaries import Planter


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    contract = load_contract()
    redactor = redactor_for(contract)
    header = Header(
        "canaries", contract.digest, datetime.now(UTC), "simulator", POLICY_VERSION, redactor.fingerprint, None
    )
    begun = time.perf_counter()
    planted = 0
    survived: list[tuple[int, str]] = []
    for seed in range(number):
        planter = Planter(random.Random(seed))  # noqa: S311 - nothing is kept secret by it
        exchange = redacted(planter.exchange(), redactor)
        response = exchange.response
        # The cassette holds everything of an exchange but why its body is cut, and why it failed.
        parts = [cassette_text(header, [exchange]), exchange.failure, exchange.request.body.decode("utf-8", "replace")]
        if response is not None:
            parts += [response.cut, response.body.decode("utf-8", "replace")]
        planted += len(planter.canaries)
        survived += [(seed, canary) for canary in planter.survivors("\n".join(parts))]
    print(f"{number} exchanges, {planted} canaries, {len(survived)} survived, {time.perf_counter() - begun:.0f} s")
    for seed, canary in survived[:10]:
        print(f"seed {seed}: {canary}")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
