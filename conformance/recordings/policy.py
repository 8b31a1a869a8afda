"""What redaction does with which field, header and part of an address, as tables that a reviewer can read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

__all__ = [
    "DROPPED_HEADERS",
    "FIELDS",
    "HEADERS",
    "HEADER_WORDS",
    "PAGE_WORDS",
    "PATH_WORDS",
    "POLICY_VERSION",
    "SECRET_PARENTS",
    "Kind",
    "kind_of_field",
]

POLICY_VERSION = "1"
"""Stands in the header of every cassette; recordings of two versions cannot be matched with each other."""


class Kind(StrEnum):
    """What a value is, which decides what becomes of it.

    Only the first group can stay as it is, and only while it has the form that it should have. Everything else, and
    every field that no table names, gets a stand-in.
    """

    ID = "id"
    TIME = "time"
    WORDS = "words"
    AMOUNT = "amount"
    COUNTRY = "country"
    CURRENCY = "currency"
    LOCALE = "locale"
    PATH = "path"

    NAME = "name"
    ADDRESS = "address"
    MAIL = "mail"
    PHONE = "phone"
    BIRTH = "birth"
    NATIONAL = "national id"
    MERCHANT = "merchant id"
    TOKEN = "token"  # noqa: S105 - the name of a kind, not a password
    REFERENCE = "reference"
    LINK = "link"
    TEXT = "text"


_BY_KIND: Mapping[Kind, tuple[str, ...]] = {
    Kind.ID: ("order_id", "capture_id", "refund_id", "correlation_id"),
    Kind.TIME: ("created_at", "expires_at", "captured_at", "refunded_at", "cutoff", "start", "end", "timestamp"),
    Kind.WORDS: (
        "error_code",
        "error_messages",
        "status",
        "fraud_status",
        "type",
        "class",
        "shipping_method",
        "interval",
        "error",
        "message",
    ),
    Kind.AMOUNT: (
        "amount",
        "captured_amount",
        "order_amount",
        "original_order_amount",
        "refunded_amount",
        "remaining_authorized_amount",
        "total_amount",
        "total_discount_amount",
        "total_tax_amount",
        "tax_amount",
        "tax_rate",
        "unit_price",
        "price",
        "quantity",
        "number_of_days",
        "number_of_installments",
        "interval_count",
        "shipping_delay",
        "order_tax_amount",
    ),
    Kind.COUNTRY: ("country", "purchase_country"),
    Kind.CURRENCY: ("currency", "purchase_currency"),
    Kind.LOCALE: ("locale",),
    Kind.PATH: ("path",),
    Kind.NAME: ("given_name", "family_name", "title", "attention", "organization_name", "care_of", "full_name"),
    Kind.ADDRESS: (
        "street_address",
        "street_address2",
        "street_address__2",
        "street_name",
        "street_number",
        "house_extension",
        "postal_code",
        "city",
        "region",
    ),
    Kind.MAIL: ("email", "email_address", "shipping_email", "billing_email"),
    Kind.PHONE: ("phone", "phone_number", "mobile_phone"),
    Kind.BIRTH: ("date_of_birth", "birth_date", "birthdate", "dob"),
    Kind.NATIONAL: (
        "national_identification_number",
        "personal_identity_number",
        "ssn",
        "organization_registration_id",
        "vat_id",
    ),
    Kind.MERCHANT: ("merchant_id", "eid", "username", "user", "mid"),
    Kind.TOKEN: (
        "password",
        "secret",
        "shared_secret",
        "api_key",
        "token",
        "token_id",
        "client_token",
        "access_token",
        "authorization_token",
        "authorization",
        "session_id",
    ),
    Kind.REFERENCE: (
        "klarna_reference",
        "merchant_reference1",
        "merchant_reference2",
        "reference",
        "tracking_number",
        "return_tracking_number",
        "tms_reference",
        "external_id",
        "identifier",
        "global_trade_item_number",
        "manufacturer_part_number",
    ),
    Kind.LINK: ("product_url", "image_url", "tracking_uri", "return_tracking_uri", "redirect_url"),
    Kind.TEXT: ("description", "merchant_data", "name", "user_input", "shipping_company", "carrier", "brand"),
}

FIELDS: Mapping[str, Kind] = {name: kind for kind, names in _BY_KIND.items() for name in names}
"""Field name to kind, for JSON at any depth, forms and queries. A name that is missing here is TEXT."""

# Gone with name and value: nothing depends on them when a recording is replayed.
DROPPED_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "host",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "forwarded",
        "x-api-key",
        "x-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "x-amzn-trace-id",
        "traceparent",
    }
)

HEADERS: Mapping[str, Kind] = {
    "x-merchant": Kind.TEXT,
    "klarna-correlation-id": Kind.ID,
    "klarna-idempotency-key": Kind.ID,
    "capture-id": Kind.ID,
    "refund-id": Kind.ID,
    "location": Kind.PATH,
    **dict.fromkeys(
        (
            "accept",
            "accept-encoding",
            "accept-language",
            "allow",
            "cache-control",
            "connection",
            "content-encoding",
            "content-language",
            "content-length",
            "content-type",
            "date",
            "expires",
            "klarna-order-validation",
            "pragma",
            "retry-after",
            "server",
            "strict-transport-security",
            "transfer-encoding",
            "vary",
            "www-authenticate",
            "x-content-type-options",
            "x-frame-options",
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
            "x-xss-protection",
            "x-injected",
            "x-redaction",
        ),
        Kind.WORDS,
    ),
}
"""Header to kind, in lower case. A header that is missing here is TEXT."""

_LETTERS = re.compile(r"[^\W_]+")


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word.casefold() for text in texts for word in _LETTERS.findall(text))


HEADER_WORDS = _words(
    "application json text html plain xml charset utf iso 8859 xhtml form data multipart x www urlencoded octet stream",
    "problem hal vnd klarna gzip deflate br identity chunked keep alive close upgrade",
    "no cache store max age must revalidate proxy private public DENY SAMEORIGIN nosniff mode block",
    "openresty nginx cloudflare envoy istio Apache Accept Encoding Origin Language Authorization",
    "includeSubDomains preload Valid Invalid",
    "Basic Bearer Digest Negotiate realm",
    "GET POST PUT PATCH DELETE HEAD OPTIONS TRACE",
    "Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec GMT UTC",
    "en sv de fi nb da us gb q 31536000 63072000 15552000",
)
"""What may stand in headers of kind WORDS, besides the words of the contract and numbers."""

PAGE_WORDS = _words(
    "doctype html head title body style type text css h1 h2 h3 p br hr div span center lang en meta charset utf utf8",
    "font family Tahoma Arial sans serif color white black background font size px 525D76 pre b i line",
    "HTTP Status Bad Request Not Found Method Allowed Unauthorized Forbidden Internal Server Error Service Unavailable",
    "Gateway Timeout Too Many Requests Entity Large Apache Tomcat nginx openresty",
)
"""What may stand in pages of gateways, besides the words of the contract and numbers."""

PATH_WORDS = _words(
    "ordermanagement v1 orders payments sessions authorizations customer token tokens order checkout v3 merchants",
)
"""Segments of addresses of this API and its neighbours; those of the operations are added to them."""

SECRET_PARENTS = frozenset({"tokens", "authorizations", "sessions", "merchants", "checkout-sessions"})
"""Segments whose next one is a secret or names a merchant, even if it looks like an id."""


def kind_of_field(name: str) -> Kind:
    """Look a field up by its name, without regard to case and to how its words are joined."""
    kind = FIELDS.get(name)
    if kind is None:
        kind = FIELDS.get(_snake(name), Kind.TEXT)
    return kind


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _snake(name: str) -> str:
    return _HUMP.sub("_", name[:100]).replace("-", "_").lower()
