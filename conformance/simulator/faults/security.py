"""Faults of security: who may call, what a path may reach, and what an answer gives away."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from conformance.contract.operations import BASE_PATH
from conformance.exchange import Headers, Request, Response
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import in_refusal, in_success, succeeded, with_body, with_headers, with_json
from conformance.simulator.faults.fault import Behaviour
from conformance.simulator.merchant import DEFAULT_MERCHANTS, Merchant

__all__ = ["BEHAVIOURS"]

_TRACE = (
    'Traceback (most recent call last):\n  File "/srv/orders/views.py", line 118, in capture\n'
    "    order.capture(amount)\nValueError: order is closed"
)
_JAVA_TRACE = "java.lang.IllegalStateException: closed\\n\\tat com.shop.orders.OrderService.find(OrderService.java:214)"
_OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")


def _authorization(merchant: Merchant) -> str:
    pair = f"{merchant.username}:{merchant.password}".encode()
    return "Basic " + base64.b64encode(pair).decode("ascii")


def _pair(call: Call) -> tuple[str, str]:
    """Return username and password as they were sent, empty where there is none."""
    scheme, _, encoded = (call.request.headers.get("Authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        username, _, password = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return "", ""
    return username, password


def _owner(call: Call) -> Merchant | None:
    stored = call.stored
    return next(
        (each for each in DEFAULT_MERCHANTS if stored is not None and each.merchant_id == stored.merchant_id), None
    )


def _let_in(when: Callable[[Call, Merchant], bool]) -> Behaviour:
    """Take a caller for the owner of the order if what was sent is good enough."""

    def behave(call: Call) -> Response:
        owner = _owner(call)
        if owner is None or not when(call, owner):
            return call.proceed()
        return call.proceed(call.headed("Authorization", _authorization(owner)))

    return behave


def _known_username(call: Call, owner: Merchant) -> bool:
    return _pair(call)[0] == owner.username


def _known_password(call: Call, owner: Merchant) -> bool:
    return _pair(call)[1] == owner.password


def _in_any_case(call: Call, owner: Merchant) -> bool:
    username, password = _pair(call)
    return username == owner.username and password.lower() == owner.password.lower()


def _cut_password(call: Call, owner: Merchant) -> bool:
    username, password = _pair(call)
    return username == owner.username and password[:12] == owner.password[:12]


def _any_merchant(call: Call, _owner: Merchant) -> bool:
    return any(_pair(call) == (each.username, each.password) for each in DEFAULT_MERCHANTS)


def _nobody(call: Call, _owner: Merchant) -> bool:
    return "Authorization" not in call.request.headers


def _any_scheme(call: Call, owner: Merchant) -> bool:
    scheme, _, token = (call.request.headers.get("Authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    try:
        return base64.b64decode(token).decode().startswith(owner.username)
    except ValueError:
        return False


def _anybody(_call: Call, _owner: Merchant) -> bool:
    return True


def _other_part(name: str) -> Behaviour:
    """Look a capture or refund up by its id alone, whatever order the path names."""

    def behave(call: Call) -> Response:
        response = call.proceed()
        wanted = call.ids[name]
        if response.status != 404 or call.order is None:
            known = call.memory.setdefault(name, {})
            if call.order is not None:
                known.update(dict.fromkeys(call.order.captures | call.order.refunds, call.ids["order_id"]))
            return response
        other = call.memory.get(name, {}).get(wanted)
        if other is None:
            return response
        return call.proceed(call.addressed(call.request.target.replace(call.ids["order_id"], other)))

    return behave


def _remembering(name: str) -> Behaviour:
    """As ``_other_part``, and learn the parts of an order whenever it is read or written."""
    looked_up = _other_part(name)

    def behave(call: Call) -> Response:
        if name in call.ids:
            return looked_up(call)
        response = call.proceed()
        if call.order is not None:
            parts = [*call.order.captures, *call.order.refunds]
            call.memory.setdefault(name, {}).update(dict.fromkeys(parts, call.ids["order_id"]))
        return response

    return behave


def _decoded(depth: int) -> Behaviour:
    """Decode a path further than the request line asks for, and follow its dot segments."""

    def behave(call: Call) -> Response:
        response = call.proceed()
        if response.status not in (400, 404) or "%" not in call.request.target:
            return response
        target = call.request.target
        for _ in range(depth):
            target = unquote(target)
        parts: list[str] = []
        for part in target.split("/"):
            if part == "..":
                del parts[-1:]
            elif part != ".":
                parts.append(part)
        path = "/".join(parts).rstrip("/")
        if BASE_PATH not in path or path == call.request.target or any(sign <= " " for sign in path):
            return response
        return call.proceed(call.addressed(path))

    return behave


def _cut_at(*signs: str) -> Behaviour:
    """Read an id up to a sign."""

    def behave(call: Call) -> Response:
        target = call.request.target
        for sign in signs:
            target = target.partition(sign)[0]
        return call.proceed(call.addressed(target) if target != call.request.target else None)

    return behave


def _overridden(call: Call) -> Response:
    method = next((value for name in _OVERRIDES if (value := call.request.headers.get(name))), "")
    if not method:
        return call.proceed()
    return call.proceed(call.addressed(call.request.target, method))


def _overridden_by_query(call: Call) -> Response:
    path, _, query = call.request.target.partition("?")
    if not query.startswith("_method="):
        return call.proceed()
    return call.proceed(call.addressed(path, query.removeprefix("_method=")))


def _injected(text: str, response: Response) -> Response:
    """Write a text into the head of the answer, line ends included."""
    fields = []
    for line in unquote(text).split("\n")[1:]:
        name, colon, value = line.strip().partition(":")
        if colon and name.replace("-", "").isalnum():
            fields.append((name, value.strip()))
    return Response(response.status, Headers((*response.headers.items, *fields)), response.body)


def _description_in_head(response: Response, call: Call) -> Response:
    return _injected(str(call.sent.get("description", "")), response)


def _id_in_head(response: Response, call: Call) -> Response:
    return _injected(call.ids["order_id"], response)


def _told_secret(response: Response, call: Call) -> Response:
    value = answered_json(response)
    if not isinstance(value, dict):
        return response
    return with_json(response, {**value, "error_messages": [f"Authentication of {':'.join(_pair(call))} failed."]})


def _echoed_headers(response: Response, call: Call) -> Response:
    return with_headers(response, {"X-Debug-Authorization": call.request.headers.get("Authorization")})


def _secret_in_order(response: Response, call: Call) -> Response:
    value = answered_json(response)
    return with_json(response, {**value, "merchant_data": _pair(call)[1]})


def _traced(trace: str) -> Callable[[Response, Call], Response]:
    def edit(response: Response, _call: Call) -> Response:
        value = answered_json(response)
        return with_json(response, {**value, "error_messages": [trace]}) if isinstance(value, dict) else response

    return edit


def _debug_page(response: Response, _call: Call) -> Response:
    return with_body(response, f"<html><body><h1>404</h1><pre>{_TRACE}</pre></body></html>".encode(), "text/html")


def _any_size(call: Call) -> Response:
    """Read a body of any size."""
    if len(call.request.body) <= 1_000_000:
        return call.proceed()
    squeezed = b" ".join(call.request.body.split())
    request = Request(call.request.method, call.request.target, call.request.headers, squeezed)
    return call.proceed(request)


def _too_deep(call: Call) -> Response:
    if call.request.body.count(b"[") < 1_000:
        return call.proceed()
    return call.refuse(500, "INTERNAL_SERVER_ERROR", "Unexpected server error")


def _known_to_others(call: Call) -> Response:
    """Tell whether another merchant's order exists by answering an acknowledgement of it."""
    response = call.proceed()
    return Response(204) if response.status == 404 and call.stored is not None and call.order is None else response


def _keys_of_all(call: Call) -> Response:
    """Look a key up among those of all merchants."""
    username, known = call.memory.get(call.key, ("", None))
    if isinstance(known, Response) and username != _pair(call)[0]:
        return known
    response = call.proceed()
    if succeeded(response) and call.key:
        call.memory.setdefault(call.key, (_pair(call)[0], response))
    return response


def _no_password(call: Call, owner: Merchant) -> bool:
    return _pair(call) == (owner.username, "")


def _without_challenge(response: Response, _call: Call) -> Response:
    return with_headers(response, {"WWW-Authenticate": None})


def _any_known_password(call: Call, owner: Merchant) -> bool:
    username, password = _pair(call)
    return username == owner.username and password in {each.password for each in DEFAULT_MERCHANTS}


def _with_credentials(response: Response, call: Call) -> Response:
    """Name the credentials that were sent in the message of a refusal."""
    sent = call.request.headers.get("Authorization") or ""
    value = answered_json(response)
    return with_json(response, {**value, "error_messages": [f"Not allowed for {sent}"]}) if value else response


def _link_cancels(call: Call) -> Response:
    """Take a GET on the address of a cancellation for the cancellation."""
    if call.request.method != "GET" or not call.request.target.endswith("/cancel"):
        return call.proceed()
    call.proceed(call.addressed(call.request.target, "POST"))
    return call.proceed()


BEHAVIOURS: Mapping[str, Behaviour] = {
    "get-cancels": _link_cancels,
    "any-known-password": _let_in(_any_known_password),
    "credentials-in-message": in_refusal(_with_credentials, 403),
    "order-cacheable": in_success(
        lambda response, _call: with_headers(response, {"Cache-Control": "public, max-age=60", "Pragma": None})
    ),
    "empty-password-accepted": _let_in(_no_password),
    "refusal-without-challenge": in_refusal(_without_challenge, 401),
    "captures-without-credentials": _let_in(_nobody),
    "release-for-anybody": _let_in(_anybody),
    "cancel-with-username": _let_in(_known_username),
    "read-with-password-only": _let_in(_known_password),
    "password-in-any-case": _let_in(_in_any_case),
    "password-cut-at-12": _let_in(_cut_password),
    "bearer-of-username": _let_in(_any_scheme),
    "other-merchant-reads": _let_in(_any_merchant),
    "other-merchant-lists": _let_in(_any_merchant),
    "other-merchant-refunds": _let_in(_any_merchant),
    "other-merchant-appends": _let_in(_any_merchant),
    "other-merchant-redirects": _let_in(_any_merchant),
    "other-merchant-prolongs": _let_in(_any_merchant),
    "other-merchant-learns": _known_to_others,
    "capture-of-other-order": _remembering("capture_id"),
    "refund-of-other-order": _remembering("refund_id"),
    "path-decoded-twice": _decoded(2),
    "dot-segments-followed": _decoded(1),
    "id-ends-at-null": _cut_at("%00"),
    "method-overridden": _overridden,
    "method-in-query": _overridden_by_query,
    "description-in-head": in_success(_description_in_head),
    "id-in-head": in_refusal(_id_in_head),
    "secret-in-message": in_refusal(_told_secret, 401),
    "secret-in-header": in_success(_echoed_headers),
    "secret-in-order": in_success(_secret_in_order),
    "trace-in-refusal": in_refusal(_traced(_TRACE), 403),
    "trace-in-validation": in_refusal(_traced(_JAVA_TRACE), 422),
    "debug-page-for-unknown": in_refusal(_debug_page, 404),
    "any-size-accepted": _any_size,
    "deep-body-fails": _too_deep,
    "keys-shared-by-merchants": _keys_of_all,
}
