"""Exchanges full of planted secrets, and the search for any that survives."""

from __future__ import annotations

import base64
import json
import random
from typing import Any
from urllib.parse import quote

from conformance.exchange import Exchange, Headers, Request, Response
from conformance.recordings.policy import FIELDS, HEADERS

ORDER = "/ordermanagement/v1/orders/0a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90"
PATHS = (ORDER, f"{ORDER}/captures", f"{ORDER}/refunds", f"{ORDER}/customer-details", "/customer-token/v1/tokens")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
BEYOND = "äöüßéñøłЖλ漢字"
SENT_HEADERS = ("Authorization", "Cookie", "X-Api-Key", "User-Agent", "X-Customer", "Host", "Klarna-Idempotency-Key")
ANSWERED_HEADERS = ("Set-Cookie", "Location", "X-Customer", "Klarna-Correlation-Id", "Server", "Etag", "Capture-Id")
PLACES = (*sorted(FIELDS), "note", "customerName", "x-unknown", "billing_address", "risk")
NUMERIC = ("phone", "national_identification_number", "date_of_birth", "description", "risk", "user_input")


class Planter:
    """Makes exchanges with a canary in every place, and remembers each canary in the form in which it must not show."""

    def __init__(self, random_numbers: random.Random) -> None:
        self.random = random_numbers
        self.canaries: list[str] = []

    def word(self) -> str:
        kind = self.random.randrange(8)
        letters = "".join(self.random.choices(LETTERS, k=self.random.randint(7, 14)))
        digits = str(self.random.randint(10**9, 10**11))
        beyond = "".join(self.random.choices(BEYOND, k=6))
        made = (
            letters,
            letters.capitalize() + " " + letters[::-1].capitalize(),
            digits,
            f"{letters}@{letters[::-1]}.com",
            f"{digits[:6]}-{digits[6:]}4711",
            f"K{digits}_{letters}",
            beyond + letters,
            base64.b64encode(f"{letters}:{digits}".encode()).decode().rstrip("="),
        )[kind]
        self.canaries += self.forms(made, kind)
        return made

    def forms(self, made: str, kind: int) -> list[str]:
        if kind == 1:
            return made.split()
        if kind == 3:
            return [made, made.partition("@")[0]]
        return [made]

    def number(self) -> int:
        made = self.random.randint(10**9, 10**12)
        self.canaries.append(str(made))
        return made

    def values(self, depth: int = 1) -> dict[str, Any]:
        """An object with every known field, some unknown ones, and more below."""
        found: dict[str, Any] = {name: self.word() for name in self.random.sample(PLACES, 24)}
        for name in self.random.sample(NUMERIC, 2):
            found[name] = self.number()
        if depth:
            found["billing_address"] = self.values(depth - 1)
            found["order_lines"] = [self.values(0), {"merchant_data": json.dumps({"vip": self.word()})}]
            found["error_messages"] = [self.word(), f"Order {self.word()} is not allowed"]
        return found

    def body(self) -> tuple[str, bytes]:
        kind = self.random.randrange(6)
        if kind == 0:
            return "text/html", f"<html><h1>HTTP Status 400</h1>{self.word()} <p>{self.word()}</p></html>".encode()
        if kind == 1:
            fields = "&".join(f"{quote(name)}={quote(self.word())}" for name in self.random.sample(PLACES, 6))
            return "application/x-www-form-urlencoded", fields.encode()
        value = self.values()
        ascii_only = bool(self.random.randrange(2))
        text = json.dumps(value, ensure_ascii=ascii_only, indent=self.random.choice((None, 1)))
        if kind == 2:
            return "application/json", text[: -self.random.randint(1, 9)].encode()
        return "application/json", text.encode()

    def target(self) -> str:
        path = self.random.choice(PATHS) + "/" + quote(self.word(), safe="")
        query = f"?email={quote(self.word())}&{quote(self.random.choice(PLACES))}={quote(self.word())}"
        origin = self.random.choice(
            ("", "", f"https://{self.hidden('u')}:{self.hidden('p')}@{self.hidden('h')}.example")
        )
        return f"{origin}/{quote(self.word(), safe='')}{path}{query}#{quote(self.word())}"

    def hidden(self, prefix: str) -> str:
        made = prefix + "".join(self.random.choices(LETTERS, k=12))
        self.canaries.append(made)
        return made

    def headers(self, names: tuple[str, ...], media: str) -> Headers:
        every = (*names, *self.random.sample(sorted(HEADERS), 5))
        pairs = [(name, self.word()) for name in every if name not in ("content-type", "x-redaction", "x-merchant")]
        return Headers([*pairs, ("Content-Type", f"{media}; profile={self.word()}" if media else self.word())])

    def exchange(self) -> Exchange:
        media, sent = self.body()
        other, answered = self.body()
        request = Request(
            self.random.choice(("GET", "POST", "PATCH")), self.target(), self.headers(SENT_HEADERS, media), sent
        )
        status = self.random.choice((200, 201, 204, 400, 401, 403, 404, 500))
        response = Response(status, self.headers(ANSWERED_HEADERS, other), answered, self.word())
        return Exchange(request, response, self.word())

    def survivors(self, text: str) -> list[str]:
        """Name the canaries that can be read in a text, in plain, escaped, quoted or Base64 form."""
        lower = text.lower()
        found = []
        for canary in self.canaries:
            escaped = json.dumps(canary)[1:-1]
            forms = {canary, escaped, quote(canary, safe=""), base64.b64encode(canary.encode()).decode()}
            if any(form.lower() in lower for form in forms):
                found.append(canary)
        return found
