"""The deterministic matrix: prepared state x operation x request class, the heart of every profile."""

from __future__ import annotations

from itertools import chain

from conformance.contract.contract import Contract
from conformance.suites.access_cases import access_cases
from conformance.suites.age_cases import age_cases
from conformance.suites.body_cases import body_cases
from conformance.suites.case import Case
from conformance.suites.clock_cases import clock_cases
from conformance.suites.fault_cases import fault_cases
from conformance.suites.header_cases import header_cases
from conformance.suites.history_cases import history_cases
from conformance.suites.item_cases import item_cases
from conformance.suites.key_cases import key_cases
from conformance.suites.market_cases import market_cases
from conformance.suites.method_cases import method_cases
from conformance.suites.neighbour_cases import neighbour_cases
from conformance.suites.pair_cases import pair_cases
from conformance.suites.part_cases import part_cases
from conformance.suites.path_cases import path_cases
from conformance.suites.preparation import DEEP_STATES, STATES
from conformance.suites.refusal_cases import refusal_cases
from conformance.suites.repetition_cases import repetition_cases
from conformance.suites.sequence_cases import sequence_cases
from conformance.suites.state_cases import state_cases
from conformance.suites.text_cases import text_cases

__all__ = ["matrix_cases"]


def matrix_cases(contract: Contract, profile: str = "quick") -> tuple[Case, ...]:
    """Return every case of a profile's matrix, each id once, in an order that never changes."""
    states = {**STATES, **DEEP_STATES} if profile == "deep" else STATES
    cases = chain(
        state_cases(contract, states.values()),
        body_cases(contract),
        item_cases(contract),
        path_cases(contract),
        access_cases(contract),
        header_cases(contract),
        key_cases(contract),
        repetition_cases(contract),
        text_cases(contract),
        part_cases(),
        neighbour_cases(contract),
        market_cases(),
        method_cases(),
        pair_cases(contract),
        history_cases(states),
        refusal_cases(contract),
        sequence_cases(),
        clock_cases(),
        fault_cases(contract),
        age_cases(),
    )
    return tuple(case for case in cases if profile != "quick" or not case.thorough)
