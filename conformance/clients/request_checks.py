"""What the wire tells of single requests: method, path, headers, body, framing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from conformance.clients.call import Raised
from conformance.clients.evidence import Accusation, CallEvidence, Sent, Witness
from conformance.clients.secret import forms_of
from conformance.contract.contract import Contract
from conformance.contract.operations import BASE_PATH

__all__ = ["request_accusations"]

_EMPTY_BODIES = (b"", b"{}", b"[]", b"null", b'""')
_SHOWN = 200
_MISSING = object()


def request_accusations(evidence: CallEvidence, contract: Contract) -> Iterator[Accusation]:
    """Yield what the requests of one call have against them, each kind once."""
    if evidence.tls:
        if evidence.sent:
            yield Accusation(
                "KOM-871", Witness.WIRE, "it sent a request to a server whose certificate must not be trusted"
            )
        return
    seen: set[str] = set()
    for accusation in _all(evidence, contract):
        if accusation.code not in seen:
            seen.add(accusation.code)
            yield accusation


def _all(evidence: CallEvidence, contract: Contract) -> Iterator[Accusation]:
    yield from _reached(evidence, contract)
    yield from _key(evidence)
    for sent in evidence.sent:
        if sent.operation == evidence.call.operation:
            yield from _headers(sent, evidence, takes_body=contract.operations[sent.operation].body is not None)
            yield from _body(sent, evidence, contract)
        yield from _url(sent, evidence)
        if sent.after:
            yield _said(
                "KOM-810",
                f"behind {sent.method} {sent.target[:_SHOWN]} it wrote {_bytes(sent.after)}, which belongs to no "
                "message; the next request on this connection cannot be understood",
            )
    for sent in evidence.stray:
        if "Authorization" in sent.headers or _holds_secret(sent.target, evidence):
            yield _said("KOM-872", f"it sent its credentials to another origin: {sent.method} {sent.target[:_SHOWN]}")


def _reached(evidence: CallEvidence, contract: Contract) -> Iterator[Accusation]:
    """Whether what was asked for is what arrived."""
    call, step = evidence.call, evidence.step
    operation = contract.operations[call.operation]
    wanted = f"{operation.method} {_path(operation.path, call.path)}"
    if not evidence.sent:
        if not (isinstance(evidence.outcome, Raised) and step.may_refuse):
            yield _said("KOM-801", f"nothing arrived for {call.operation}; wanted was {wanted}")
        return
    own = [sent for sent in evidence.sent if sent.operation == call.operation]
    if not own:
        first = evidence.sent[0]
        code = "KOM-802" if _is_mangled(first, evidence) else "KOM-801"
        if step.spares:
            code = "KOM-875"
        yield _said(code, f"{call.operation} went out as {first.method} {first.target[:_SHOWN]}; wanted was {wanted}")
    for sent in own:
        if dict(sent.ids) != dict(call.path):
            code = "KOM-875" if step.spares else "KOM-802"
            yield _said(code, f"it asked for {sent.target[:_SHOWN]}, which is not {wanted}")
        if "?" in sent.target:
            yield _said("KOM-801", f"it added a query that the API does not have: {sent.target[:_SHOWN]}")
    for sent in evidence.sent:
        if "//" in sent.target.partition("?")[0].removeprefix("http://").removeprefix("https://"):
            yield _said("KOM-803", f"the path holds a doubled slash: {sent.target[:_SHOWN]}")
        is_read = sent.operation in contract.operations and not contract.operations[sent.operation].writes
        if own and sent not in own and not is_read:
            yield _said("KOM-801", f"beside the call it sent {sent.method} {sent.target[:_SHOWN]}")


def _is_mangled(sent: Sent, evidence: CallEvidence) -> bool:
    """Tell an id that broke its path from a path that is wrong in itself."""
    order_id = evidence.call.path.get("order_id", "")
    return any(
        unquote(value) != value or not value.isascii() or not value.replace("-", "").isalnum()
        for value in evidence.call.path.values()
    ) and order_id[:8] in unquote(sent.target)


def _headers(sent: Sent, evidence: CallEvidence, *, takes_body: bool) -> Iterator[Accusation]:
    media = (sent.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if takes_body and sent.body and media != "application/json":
        yield _said("KOM-804", f"the body is declared as {media or 'nothing at all'} and not as application/json")
    accepted = ",".join(sent.headers.all("Accept")).lower()
    if accepted and not any(wanted in accepted for wanted in ("application/json", "application/*", "*/*")):
        yield _said("KOM-805", f"Accept: {accepted[:_SHOWN]} leaves no room for application/json")
    yield from _credentials(sent, evidence)
    if "X-Injected" in sent.headers:
        yield _said("KOM-876", "a line break in the idempotency key made a header of its own")


def _credentials(sent: Sent, evidence: CallEvidence) -> Iterator[Accusation]:
    call = evidence.call
    given = sent.headers.get("Authorization")
    if given is None:
        if sent.status != 401:
            # The server was not asked for credentials; the scenario had it answer before it looked.
            return
        if sent is evidence.last:
            yield _said("KOM-806", "it sent no credentials, not even when the server asked for them")
        return
    code = "KOM-806" if (call.username + call.password).isascii() else "KOM-807"
    scheme, _, encoded = given.strip().partition(" ")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        pair = b""
    wanted = f"{call.username}:{call.password}"
    accepted = {wanted.encode()}
    if scheme.lower() != "basic" or pair not in accepted:
        why = "is no Basic credentials" if scheme.lower() != "basic" or not pair else "names other credentials"
        if pair == wanted.encode("latin-1", "replace"):
            why = "is written in Latin-1 where the server's challenge asks for UTF-8"
        yield _said(code, f"the Authorization header {why} ({len(given)} characters)")


def _key(evidence: CallEvidence) -> Iterator[Accusation]:
    wanted = evidence.call.idempotency_key
    if wanted is None or not wanted.isprintable():
        return
    for sent in evidence.attempts:
        if sent.key != wanted:
            what = "without a key" if sent.key is None else "with another key"
            yield _said("KOM-849", f"the caller handed over an idempotency key and the request went out {what}")
            return


def _body(sent: Sent, evidence: CallEvidence, contract: Contract) -> Iterator[Accusation]:
    wanted = evidence.call.body
    if contract.operations[sent.operation].body is None:
        if sent.body.strip() not in _EMPTY_BODIES:
            yield _said("KOM-812", f"{sent.operation} takes no body and was sent {_bytes(sent.body)}")
        return
    try:
        body = json.loads(sent.body.decode("utf-8"))
    except ValueError:
        yield _said("KOM-808", f"the body is no JSON in UTF-8: {_bytes(sent.body)}")
        return
    code = {"exact": "KOM-861", "change": "KOM-864"}.get(_aim(evidence), "KOM-808")
    for place, sent_value, wanted_value in _differences(body, wanted, ""):
        if _is_number(wanted_value) and sent_value is not _MISSING:
            yield _said("KOM-809", f"{place} went out as {_json(sent_value)}; it is the integer {wanted_value}")
        elif wanted_value is _MISSING:
            yield _said("KOM-808", f"{place} was invented: {_json(sent_value)}")
        else:
            what = "is missing" if sent_value is _MISSING else f"went out as {_json(sent_value)}"
            yield _said(code, f"{place} {what}; handed over was {_json(wanted_value)}")


def _aim(evidence: CallEvidence) -> str:
    if evidence.call.operation == "updateAuthorization" and "order_lines" in (evidence.call.body or {}):
        lines = evidence.call.body["order_lines"]
        if lines and "product_url" in lines[0]:
            return "change"
    return "exact" if any(isinstance(text, str) and not text.isascii() for text in _texts(evidence.call.body)) else ""


def _texts(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield value


def _differences(sent: Any, wanted: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Compare JSON data; 1 and 1.0, or 1 and true, are not the same."""
    if isinstance(sent, Mapping) and isinstance(wanted, Mapping):
        for name in wanted:
            yield from _differences(sent.get(name, _MISSING), wanted[name], f"{place}/{name}" if place else name)
        for name in sent:
            if name not in wanted:
                yield (f"{place}/{name}" if place else name), sent[name], _MISSING
    elif isinstance(sent, list) and isinstance(wanted, list) and len(sent) == len(wanted):
        for index, (left, right) in enumerate(zip(sent, wanted, strict=True)):
            yield from _differences(left, right, f"{place}/{index}")
    elif type(sent) is not type(wanted) or sent != wanted:
        yield place or "the body", sent, wanted


def _url(sent: Sent, evidence: CallEvidence) -> Iterator[Accusation]:
    if _holds_secret(sent.target, evidence):
        yield _said("KOM-873", "the URL holds the password")


def _holds_secret(text: str, evidence: CallEvidence) -> bool:
    return any(form in text for form in forms_of(evidence.call.username, evidence.call.password))


def _path(path: str, ids: Mapping[str, str]) -> str:
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path if path.startswith(BASE_PATH) else BASE_PATH + path


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _bytes(data: bytes) -> str:
    text = data[:_SHOWN].decode("utf-8", "replace")
    return repr(text) + ("..." if len(data) > _SHOWN else "")


def _said(code: str, message: str) -> Accusation:
    return Accusation(code, Witness.WIRE, message)
