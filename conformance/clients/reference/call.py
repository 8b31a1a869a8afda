"""A call and the request that it becomes, free of any HTTP library."""

from __future__ import annotations

import base64
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlsplit
from uuid import uuid4

from conformance import __version__
from conformance.clients.reference.errors import InvalidRequestError

__all__ = [
    "INTEGER_FIELDS",
    "OPERATIONS",
    "Call",
    "Operation",
    "WireRequest",
    "build_request",
    "build_target",
    "encode_body",
    "encode_credentials",
    "encode_id",
    "host_is_loopback",
    "trimmed_base_url",
]

_BASE_PATH = "/ordermanagement/v1/orders/{order_id}"
_CAPTURE_PATH = _BASE_PATH + "/captures/{capture_id}"
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
# What HTTP carries unchanged in a field: visible ASCII, with spaces inside only.
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)

# A float or a text in one of these would be rounded or refused somewhere on the way, so it never leaves.
INTEGER_FIELDS = frozenset(
    {
        "captured_amount",
        "interval_count",
        "number_of_days",
        "order_amount",
        "quantity",
        "refunded_amount",
        "shipping_delay",
        "tax_rate",
        "total_amount",
        "total_discount_amount",
        "total_tax_amount",
        "unit_price",
    }
)


@dataclass(frozen=True, slots=True)
class Operation:
    """How an operation travels.

    ``answers`` is what a success holds: an object, a list, the id of what was made (in ``id_header``, and to be
    handed out as ``id_field``), or nothing.
    """

    method: Literal["GET", "POST", "PATCH"]
    path: str
    answers: Literal["object", "list", "id", "nothing"] = "nothing"
    has_body: bool = False
    id_header: str = ""
    id_field: str = ""


OPERATIONS: Mapping[str, Operation] = {
    "getOrder": Operation("GET", _BASE_PATH, "object"),
    "acknowledgeOrder": Operation("POST", _BASE_PATH + "/acknowledge"),
    "updateAuthorization": Operation("PATCH", _BASE_PATH + "/authorization", has_body=True),
    "captureOrder": Operation("POST", _BASE_PATH + "/captures", "id", True, "Capture-Id", "capture_id"),
    "getCaptures": Operation("GET", _BASE_PATH + "/captures", "list"),
    "getCapture": Operation("GET", _CAPTURE_PATH, "object"),
    "extendDueDate": Operation("PATCH", _CAPTURE_PATH + "/extend-due-date", has_body=True),
    "getOptionsForExtendDueDate": Operation("GET", _CAPTURE_PATH + "/extend-due-date-options", "object"),
    "appendShippingInfo": Operation("POST", _CAPTURE_PATH + "/shipping-info", has_body=True),
    "triggerSendOut": Operation("POST", _CAPTURE_PATH + "/trigger-send-out"),
    "updateConsumerDetails": Operation("PATCH", _BASE_PATH + "/customer-details", has_body=True),
    "extendAuthorizationTime": Operation("POST", _BASE_PATH + "/extend-authorization-time"),
    "updateMerchantReferences": Operation("PATCH", _BASE_PATH + "/merchant-references", has_body=True),
    "refundOrder": Operation("POST", _BASE_PATH + "/refunds", "id", True, "Refund-Id", "refund_id"),
    "get": Operation("GET", _BASE_PATH + "/refunds/{refund_id}", "object"),
    "releaseRemainingAuthorization": Operation("POST", _BASE_PATH + "/release-remaining-authorization"),
    "appendOrderShippingInfo": Operation("POST", _BASE_PATH + "/shipping-info", has_body=True),
    "cancelOrder": Operation("POST", _BASE_PATH + "/cancel"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """What the user asks for: an operation of the API, the ids of its path, and for a write its body and key."""

    operation_id: str
    ids: Mapping[str, str]
    body: Any = None
    idempotency_key: str | None = None

    @property
    def operation(self) -> Operation:
        """The operation's entry in the table."""
        return OPERATIONS[self.operation_id]


@dataclass(frozen=True, slots=True)
class WireRequest:
    """What goes out, on every attempt the same; ``target`` is the percent-encoded path. Credentials are not in it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it again cannot do the work twice."""
        return self.method == "GET" or "Klarna-Idempotency-Key" in self.headers


def build_request(call: Call) -> WireRequest:
    """Turn a call into one request, so that a retry repeats it with the same key to the last byte.

    Raises:
        InvalidRequestError: an id, the body or the key cannot travel unchanged; nothing has been sent.
    """
    operation = call.operation
    target = build_target(call)
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": f"Library/klarna-conformance-reference_{__version__} Language/Python_{platform.python_version()}",
    }
    if operation.method == "GET":
        return WireRequest(operation.method, target, headers)
    key = str(uuid4() if call.idempotency_key is None else call.idempotency_key)
    if not _HEADER_VALUE.fullmatch(key):
        raise InvalidRequestError("an idempotency key is visible ASCII text", operation=call.operation_id)
    headers["Klarna-Idempotency-Key"] = key
    if not operation.has_body:
        return WireRequest(operation.method, target, headers)
    headers["Content-Type"] = "application/json"
    return WireRequest(operation.method, target, headers, encode_body(call.body))


def build_target(call: Call) -> str:
    """Return the percent-encoded path of a call."""
    return call.operation.path.format(**{name: encode_id(name, value) for name, value in call.ids.items()})


def encode_id(name: str, value: Any) -> str:
    """Percent-encode an id as one segment of a path, whatever it holds.

    Raises:
        InvalidRequestError: it is no text, empty, or a dot segment, which servers resolve even when encoded.
    """
    if not isinstance(value, str) or value in {"", ".", ".."}:
        raise InvalidRequestError(f"{name} cannot be a segment of a path")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidRequestError(f"{name} holds half a surrogate pair, which is no text") from None


def encode_body(body: Any) -> bytes:
    """Write a body as UTF-8 JSON, with every field that the user gave and no other.

    Raises:
        InvalidRequestError: it is no object, is not JSON, or has an amount that is no integer.
    """
    if not isinstance(body, Mapping):
        raise InvalidRequestError("the body is an object")
    try:
        _check_integers(body)
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as why:
        raise InvalidRequestError(f"the body cannot be written as JSON ({type(why).__name__})") from None


def _check_integers(value: Any) -> None:
    if isinstance(value, Mapping):
        for name, part in value.items():
            # A boolean is an int to Python, but no amount.
            if name in INTEGER_FIELDS and type(part) is not int:
                raise InvalidRequestError(f"{name} is an integer, amounts in minor units")
            _check_integers(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _check_integers(part)


def encode_credentials(username: str, password: str) -> str:
    """Return the value of Authorization, in UTF-8 and on one line, however long the credentials are.

    Raises:
        InvalidRequestError: the user name holds a colon, or one of them a control character; Basic carries neither.
    """
    both = username + password
    if ":" in username or any(ord(character) < 32 or ord(character) == 127 for character in both):
        raise InvalidRequestError("the credentials hold a character that Basic authentication cannot carry")
    try:
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    except UnicodeEncodeError:
        # The exception would show the credentials.
        raise InvalidRequestError("the credentials hold half a surrogate pair, which is no text") from None


def trimmed_base_url(base_url: str) -> str:
    """Return the base URL without its closing slash, having made sure that credentials are safe with it.

    Raises:
        InvalidRequestError: it holds credentials, a query or a fragment, or would send credentials in the clear.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidRequestError("the base URL is an http or https URL")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidRequestError("the base URL is a scheme, a host and perhaps a path, without credentials")
    if parts.scheme == "http" and not host_is_loopback(base_url):
        raise InvalidRequestError("credentials are sent over https, except to this machine itself")
    return base_url.rstrip("/")


def host_is_loopback(base_url: str) -> bool:
    """Tell whether a URL names this machine itself."""
    return urlsplit(base_url).hostname in _LOOPBACK_HOSTS
