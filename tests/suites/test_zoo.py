"""Every fault of the zoo is found by the quick profile, and every check of a server is tripped by a fault."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from conformance.contract.contract import load_contract
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.fault import Fault, FaultClass
from conformance.simulator.faults.faulty_simulator import FaultySimulator
from conformance.simulator.faults.zoo import faults
from conformance.suites.case import Case, requirements_of
from conformance.suites.run import ServerOptions, ServerRun, run_server_suite
from conformance.suites.target import EmbeddedTarget, Target
from conformance.verdict import CaseResult, Severity, Verdict

CONTRACT = load_contract()
FAULTS = faults(CONTRACT)
# The findings about servers; those about clients and about ourselves have other witnesses.
CODES = [code for code in CONTRACT.findings if code[4] in "1234567"]
SEED = 20_260_115

# For each code a fault that breaks its rule, and the case that shows it.
WITNESSES = {
    "KOM-101": ("undocumented-418", "extendAuthorizationTime/fully_captured/valid"),
    "KOM-102": ("cancel-answers-201", "cancelOrder/fresh/valid"),
    "KOM-103": ("order-as-plain-text", "getOrder/fresh/valid"),
    "KOM-104": ("captures-wrapped", "getCaptures/fresh/valid"),
    "KOM-105": ("capture-without-location", "captureOrder/fresh/valid"),
    "KOM-106": ("acknowledge-with-body", "acknowledgeOrder/fresh/valid"),
    "KOM-107": ("write-without-correlation", "acknowledgeOrder/fresh/valid"),
    "KOM-108": ("capture-id-not-in-location", "captureOrder/fresh/valid"),
    "KOM-109": ("capture-id-short", "captureOrder/fresh/valid"),
    "KOM-110": ("byte-order-mark", "getOrder/fresh/valid"),
    "KOM-111": ("answer-cut-short", "get/part_captured_refunded/valid"),
    "KOM-112": ("correlation-by-order", "getOrder/fresh/valid"),
    "KOM-113": ("creation-as-number", "getOrder/fresh/valid"),
    "KOM-114": ("line-amount-in-major-units", "getOrder/fresh/valid"),
    "KOM-115": ("connection-closed", "triggerSendOut/part_captured/valid"),
    "KOM-116": ("other-methods-succeed", "getOrder/fresh/unsupported-method"),
    "KOM-117": ("capture-read-of-first", "getCapture/many_captures/valid"),
    "KOM-118": ("refund-location-is-path", "refundOrder/part_captured/valid"),
    "KOM-201": ("error-code-a-number", "triggerSendOut/fresh/valid"),
    "KOM-202": ("refund-code-of-capture", "refundOrder/fresh/valid"),
    "KOM-203": ("error-correlation-differs", "acknowledgeOrder/closed/valid"),
    "KOM-204": ("error-wording-unknown", "refundOrder/fresh/valid"),
    "KOM-205": ("refund-above-404", "refundOrder/fresh/valid"),
    "KOM-206": ("emoji-500", "updateAuthorization/fresh/valid"),
    "KOM-207": ("address-text-for-object", "updateConsumerDetails/fresh/broken-shipping_address"),
    "KOM-208": ("reference-255-refused", "updateMerchantReferences/fresh/limits-merchant_reference1"),
    "KOM-209": ("unknown-refund-empty", "get/fresh/valid"),
    "KOM-301": ("capture-with-lines-keeps-remaining", "captureOrder/fresh/valid"),
    "KOM-302": ("capture-listed-twice", "getOrder/part_captured/valid"),
    "KOM-303": ("refund-with-lines-not-counted", "refundOrder/part_captured/valid"),
    "KOM-304": ("capture-above-by-one", "captureOrder/fresh/above-remaining"),
    "KOM-305": ("refund-above-by-one", "refundOrder/part_captured/above-refundable"),
    "KOM-306": ("capture-above-by-one", "captureOrder/fresh/above-remaining"),
    "KOM-307": ("refund-above-by-one", "refundOrder/part_captured/above-refundable"),
    "KOM-308": ("full-refund-refused", "refundOrder/part_captured/exact-refundable"),
    "KOM-309": ("update-as-difference", "updateAuthorization/fresh/valid"),
    "KOM-310": ("decrease-leaves-negative", "updateAuthorization/part_captured/exact-captured"),
    "KOM-311": ("capture-with-description-lost", "captureOrder/fresh/valid"),
    "KOM-312": ("refund-read-in-major-units", "get/part_captured_refunded/valid"),
    "KOM-313": ("update-below-captured", "updateAuthorization/part_captured/below-captured"),
    "KOM-314": ("currency-after-refund", "refundOrder/part_captured/valid"),
    "KOM-315": ("refund-charged-to-all-captures", "refundOrder/part_captured/valid"),
    "KOM-316": ("ledger-books-captures-twice", "captureOrder/fresh/valid"),
    "KOM-317": ("options-in-euro", "captureOrder/market/sweden"),
    "KOM-318": ("option-offered-twice", "extendDueDate/part_captured/valid"),
    "KOM-401": ("status-captured-early", "getOrder/part_captured/valid"),
    "KOM-402": ("refund-before-capture", "refundOrder/fresh/valid"),
    "KOM-403": ("cancel-fresh-refused", "cancelOrder/fresh/valid"),
    "KOM-404": ("refused-refund-booked", "refundOrder/fresh/valid"),
    "KOM-405": ("parcel-dropped", "appendShippingInfo/large_captured/valid"),
    "KOM-406": ("acknowledge-clears-reference", "acknowledgeOrder/fresh/valid"),
    "KOM-407": ("address-after-cancel", "updateConsumerDetails/cancelled/valid"),
    "KOM-408": ("capture-lost-after-refund", "refundOrder/many_captures/valid"),
    "KOM-409": ("refunded-capture-unreadable", "getCapture/fully_refunded/valid"),
    "KOM-410": ("extension-into-the-past", "extendAuthorizationTime/fresh/valid"),
    "KOM-411": ("capture-missing-from-list", "getCaptures/part_captured/valid"),
    "KOM-412": ("read-moves-creation", "getOrder/fresh/valid"),
    "KOM-413": ("repetition-with-new-transaction", "acknowledgeOrder/fresh/different-keys"),
    "KOM-414": ("transaction-of-first-capture", "captureOrder/fresh/in-a-row"),
    "KOM-415": ("captures-share-reference", "getOrder/many_captures/valid"),
    "KOM-416": ("captures-dated-before", "getOrder/part_captured/valid"),
    "KOM-418": ("card-increased", "updateAuthorization/method/card"),
    "KOM-417": ("extension-from-old-end", "extendAuthorizationTime/aged/from-the-day-of-the-call"),
    "KOM-501": ("parcel-key-ignored", "appendOrderShippingInfo/fresh/repeated-key"),
    "KOM-502": ("release-key-ignored", "releaseRemainingAuthorization/part_captured/repeated-key"),
    "KOM-503": ("capture-id-reused", "captureOrder/part_captured/valid"),
    "KOM-504": ("key-with-body", "captureOrder/fresh/repeated-key-other-body"),
    "KOM-505": ("refund-key-race", "refundOrder/part_captured/same-moment"),
    "KOM-506": ("key-refused-with-other-body", "captureOrder/fresh/repeated-key-other-body"),
    "KOM-601": ("ascii-with-question-marks", "appendOrderShippingInfo/fresh/valid"),
    "KOM-602": ("tax-rate-in-per-cent", "captureOrder/fresh/valid"),
    "KOM-701": ("captures-without-credentials", "getCaptures/fresh/no-credentials"),
    "KOM-702": ("other-merchant-learns", "acknowledgeOrder/other_merchant/valid"),
    "KOM-703": ("trace-in-refusal", "captureOrder/fresh/above-remaining"),
    "KOM-704": ("secret-in-header", "getOrder/fresh/valid"),
    "KOM-705": ("id-ends-at-null", "getCapture/part_captured/encoded-path"),
    "KOM-706": ("id-in-head", "getOrder/fresh/malformed-order-id"),
    "KOM-707": ("method-in-query", "getCaptures/fresh/method-override"),
    "KOM-710": ("order-cacheable", "getOrder/fresh/valid"),
    "KOM-709": ("refusal-without-challenge", "getOrder/fresh/no-credentials"),
    "KOM-708": ("any-size-accepted", "captureOrder/fresh/too-large"),
}


def near(case: Case, fault: Fault) -> tuple[bool, bool]:
    """Sort the cases that are about a fault's operation and rule to the front, so that the search ends early."""
    return (
        bool(fault.operations) and case.operation not in fault.operations,
        fault.requirement not in requirements_of(case.codes, CONTRACT),
    )


def played(fault: Fault, profile: str) -> Iterator[CaseResult]:
    with ServerRun(ServerOptions(fault=fault.id, profile=profile, seed=SEED), CONTRACT) as run:
        for case in sorted(run.cases(), key=lambda case: near(case, fault)):
            yield run.play(case).result


@pytest.mark.parametrize("fault_id", FAULTS)
def test_each_fault_is_found_by_the_quick_profile(fault_id: str, caplog: pytest.LogCaptureFixture) -> None:
    fault = FAULTS[fault_id]
    # A rule that a server should follow, and need not, warns.
    must = CONTRACT.requirements[fault.requirement].keyword is Severity.MUST
    enough = {Verdict.FAILED} if must else {Verdict.FAILED, Verdict.WARNING}
    with caplog.at_level(logging.ERROR):
        found = next((result for result in played(fault, "quick") if result.verdict in enough), None)
    assert found is not None, f"{fault_id} slipped through: {fault.title}"
    assert any(not finding.known for finding in found.findings)
    # A fault that makes the service stumble would be found for the wrong reason.
    assert not caplog.records


def test_what_quick_finds_default_finds_too() -> None:
    cases = {}
    for profile in ("quick", "default"):
        with ServerRun(ServerOptions(profile=profile, seed=SEED), CONTRACT) as run:
            cases[profile] = [case.id for case in run.cases()]
    assert set(cases["quick"]) < set(cases["default"])


def test_each_code_has_a_witness() -> None:
    assert sorted(WITNESSES) == sorted(CODES)


@pytest.mark.parametrize("code", WITNESSES)
def test_each_check_is_tripped_by_a_fault_of_its_rule(code: str) -> None:
    fault_id, case_id = WITNESSES[code]
    assert FAULTS[fault_id].requirement == CONTRACT.findings[code].requirement
    options = ServerOptions(fault=fault_id, profile="quick", cases=(case_id,), seed=SEED)
    (result,) = run_server_suite(options).cases
    assert code in {finding.code for finding in result.findings if not finding.known}


def test_standing_around_the_service_changes_nothing() -> None:
    none = Fault("none", FaultClass.MONEY, tuple(each.id for each in CONTRACT.operations), "", "", "", Call.proceed)
    simulator = FaultySimulator(CONTRACT, none, seed=SEED)

    def fresh(_case_id: str) -> Target:
        simulator.reset()
        return EmbeddedTarget(simulator)

    globs = ("captureOrder/*", "refundOrder/*", "get*/*")
    result = run_server_suite(ServerOptions(profile="quick", cases=globs, seed=SEED), targets=fresh)
    assert {case.verdict for case in result.cases} == {Verdict.PASSED}


def test_the_report_names_the_fault() -> None:
    options = ServerOptions(fault="capture-answers-200", profile="quick", cases=("captureOrder/fresh/one",), seed=SEED)
    assert run_server_suite(options).target == {
        "kind": "simulator",
        "behaviour": "documented",
        "fault": "capture-answers-200",
    }
