"""Clients that misread a failure: as a success, as a crash, or as less than the answer told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from conformance.clients.broken.mutation import Broken, broken
from conformance.clients.broken.results import Reading
from conformance.clients.reference.answer import Answer, Lost, refusal
from conformance.clients.reference.call import Call, WireRequest
from conformance.clients.reference.errors import KlarnaError

__all__: list[str] = []


class _Telling(Broken):
    """Tells less of an error than the answer did."""

    def _read(self, call: Call, outcome: Answer | Lost) -> Any:
        try:
            return super()._read(call, outcome)
        except KlarnaError as error:
            self._tell(error)
            raise

    def _tell(self, error: KlarnaError) -> None:
        """Take away what this client loses."""


@broken(
    "errors", "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/nothing", "Goods are shipped for a capture that was refused."
)
class EmptyErrorIsSuccess(Reading):
    """Reports success when an error has no body."""

    def _look(self, call: Call, answer: Answer) -> Any:
        return super()._look(call, answer) if answer.body or answer.is_success else {}


@broken(
    "errors",
    "retry/captureOrder-without-key/unavailable-503",
    "Goods are shipped although nobody knows whether they are paid for.",
)
class UnavailableIsSuccess(Reading):
    """Reports success when the service is unavailable."""

    def _look(self, call: Call, answer: Answer) -> Any:
        return {} if answer.status == 503 else super()._look(call, answer)

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        unavailable = isinstance(outcome, Answer) and outcome.status == 503
        return None if unavailable else super()._wait_s(request, outcome, attempt)


@broken("errors", "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/html", "The page of a proxy is taken for a capture.")
class PageIsSuccess(Reading):
    """Reports success when an error is a page and not JSON."""

    def _look(self, call: Call, answer: Answer) -> Any:
        if answer.body.lstrip().startswith(b"<"):
            return {"text": answer.body.decode("utf-8", "replace")}
        return super()._look(call, answer)


@broken(
    "errors", "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/json", "Goods are shipped for a capture that was refused."
)
class RefusalIsSuccess(Reading):
    """Takes only a 5xx for a failure."""

    def _look(self, call: Call, answer: Answer) -> Any:
        return {} if 400 <= answer.status < 500 else super()._look(call, answer)


@broken("errors", "challenge/captureOrder", "Goods are shipped for a capture that was never looked at.")
class ChallengeIsSuccess(Reading):
    """Takes a challenge for success."""

    def _look(self, call: Call, answer: Answer) -> Any:
        return {} if "WWW-Authenticate" in answer.headers else super()._look(call, answer)


@broken("errors", "security/redirect/captureOrder-302", "A write that was sent elsewhere counts as done.")
class RedirectIsSuccess(Reading):
    """Takes a redirect for success."""

    def _look(self, call: Call, answer: Answer) -> Any:
        return {} if answer.status // 100 == 3 else super()._look(call, answer)


@broken(
    "errors", "retry/captureOrder-without-key/lost-request", "Goods are shipped although nothing was ever asked for."
)
class LostIsSuccess(Broken):
    """Reports success when no answer came."""

    def _read(self, call: Call, outcome: Answer | Lost) -> Any:
        return {} if isinstance(outcome, Lost) else super()._read(call, outcome)

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        return None if isinstance(outcome, Lost) else super()._wait_s(request, outcome, attempt)


@broken("errors", "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/json", "No failure is ever noticed.")
class FailureSwallowed(Broken):
    """Catches every error and returns nothing."""

    def _perform(self, call: Call) -> Any:
        try:
            return super()._perform(call)
        except KlarnaError:
            return None


@broken(
    "errors",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/json",
    "A shop that relies on exceptions takes a refusal for a capture.",
)
class FailureReturned(Broken):
    """Returns errors as if they were results."""

    def _perform(self, call: Call) -> Any:
        try:
            return super()._perform(call)
        except KlarnaError as error:
            return {"status": error.status, "error_code": error.error_code}


@broken(
    "errors",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/json",
    "The shop cannot tell an expired order from one that is captured already.",
)
class CodeLost(_Telling):
    """Loses the error code."""

    def _tell(self, error: KlarnaError) -> None:
        error.error_code = None
        error.args = (f"status {error.status}",)


@broken(
    "errors",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/json",
    "The clerk is told that something went wrong, and not what.",
)
class MessagesLost(_Telling):
    """Loses the messages."""

    def _tell(self, error: KlarnaError) -> None:
        error.error_messages = ()
        error.args = (f"{error.error_code}",)


@broken("errors", "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/json", "Support cannot find the call.")
class CorrelationIdLost(_Telling):
    """Loses the correlation id."""

    def _tell(self, error: KlarnaError) -> None:
        error.correlation_id = None


@broken("errors", "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/json", "The shop cannot tell a refusal from an outage.")
class StatusLost(_Telling):
    """Loses the status."""

    def _tell(self, error: KlarnaError) -> None:
        error.status = None
        error.args = (f"{error.error_code}",)


@broken(
    "errors",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/singular-message",
    "The clerk is told nothing when the message comes alone.",
)
class SingularMessageLost(_Telling):
    """Reads messages only where there is a list of them."""

    def _read(self, call: Call, outcome: Answer | Lost) -> Any:
        if isinstance(outcome, Answer):
            outcome = replace(outcome, body=outcome.body.replace(b'"error_message":', b'"unread":'))
        return super()._read(call, outcome)


@broken(
    "errors",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/extra-fields",
    "The shop is told nothing once the service says more than it used to.",
)
class ExtraFieldsFatal(Reading):
    """Fails on a field of an error that it does not know."""

    def _look(self, call: Call, answer: Answer) -> Any:
        if not answer.is_success and answer.body.startswith(b"{"):
            fields = set(json.loads(answer.body))
            if fields - {"error_code", "error_messages", "error_message", "correlation_id"}:
                raise TypeError("__init__() got an unexpected keyword argument")
        return super()._look(call, answer)


@broken(
    "errors",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/spring",
    "The shop crashes where it should have been told of a failure.",
)
class CodeRequired(Reading):
    """Crashes on an error without a code."""

    def _look(self, call: Call, answer: Answer) -> Any:
        if not answer.is_success and answer.body.startswith(b"{"):
            str(json.loads(answer.body)["error_code"])
        return super()._look(call, answer)


@broken(
    "errors",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/html",
    "The shop crashes where it should have been told of a failure.",
)
class ErrorsAlwaysJson(Reading):
    """Parses every error as JSON."""

    def _look(self, call: Call, answer: Answer) -> Any:
        if not answer.is_success:
            json.loads(answer.body)
        return super()._look(call, answer)


@broken(
    "errors",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/no-messages",
    "The shop crashes where it should have been told of a failure.",
)
class FirstMessageRequired(Reading):
    """Shows the first message, whether there is one or not."""

    def _look(self, call: Call, answer: Answer) -> Any:
        if not answer.is_success and b'"error_messages"' in answer.body:
            error = refusal(call, answer)
            error.args = (error.error_messages[0],)
            raise error
        return super()._look(call, answer)


@broken(
    "errors",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/html",
    "Support cannot find the call when an error is a page.",
)
class CorrelationIdOnlyInBody(Reading):
    """Leaves the header with the correlation id unread."""

    def _look(self, call: Call, answer: Answer) -> Any:
        return super()._look(call, replace(answer, headers=answer.headers.without("Klarna-Correlation-Id")))
