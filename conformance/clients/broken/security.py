"""Clients that are careless with credentials, certificates, addresses and memory."""

from __future__ import annotations

import base64
import ssl
import zlib
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from conformance.clients.broken.mutation import Broken, broken
from conformance.clients.reference.answer import Answer, Lost
from conformance.clients.reference.backend import httpx
from conformance.clients.reference.call import Call, WireRequest
from conformance.clients.reference.client import Client
from conformance.clients.reference.errors import KlarnaError
from conformance.exchange import Headers

__all__: list[str] = []


class _Misauthorized(Broken):
    """Writes Authorization in its own way."""

    @classmethod
    def open(cls, base_url: str, username: str, password: str, **options: Any) -> Client:
        client = super().open(base_url, username, password, **options)
        if isinstance(client, cls):
            client.authorize(username, password)
        return client

    def authorize(self, username: str, password: str) -> None:
        """Put the credentials where this client keeps them."""
        self._http.headers["Authorization"] = self._authorization(username, password)

    def _authorization(self, username: str, password: str) -> str:
        return self._basic(f"{username}:{password}".encode())

    @staticmethod
    def _basic(pair: bytes) -> str:
        return "Basic " + base64.b64encode(pair).decode("ascii")


# --- credentials ----------------------------------------------------------------------------------------------------


@broken(
    "credentials",
    "request/getOrder",
    "No call ever succeeds: nobody challenges, and nobody answers a challenge.",
)
class CredentialsWithheld(_Misauthorized):
    """Waits to be challenged, and does not answer the challenge."""

    def authorize(self, username: str, password: str) -> None:
        """Put the credentials where this client keeps them."""
        del self._http.headers["Authorization"]


@broken("credentials", "credentials/non-ascii", "A password beyond ASCII never works.")
class CredentialsInLatin1(_Misauthorized):
    """Encodes credentials in Latin-1."""

    def _authorization(self, username: str, password: str) -> str:
        return self._basic(f"{username}:{password}".encode("latin-1", errors="replace"))


@broken("credentials", "credentials/five-hundred-bytes", "A long API key never works.")
class CredentialsCutShort(_Misauthorized):
    """Cuts credentials at 72 bytes."""

    def _authorization(self, username: str, password: str) -> str:
        return self._basic(f"{username}:{password}".encode()[:72])


@broken("credentials", "credentials/five-hundred-bytes", "A long API key never works.")
class CredentialsWrapped(_Misauthorized):
    """Breaks long credentials into lines, as in a mail."""

    def _authorization(self, username: str, password: str) -> str:
        wrapped = base64.encodebytes(f"{username}:{password}".encode()).decode("ascii")
        return "Basic " + " ".join(wrapped.split())


@broken("credentials", "request/getOrder", "No call ever succeeds.")
class BearerForBasic(_Misauthorized):
    """Sends the password as a bearer token."""

    def _authorization(self, username: str, password: str) -> str:
        return "Bearer " + base64.b64encode(password.encode()).decode("ascii")


@broken("credentials", "credentials/eight-bytes", "No call ever succeeds: the user name is more than the merchant id.")
class MerchantIdForUsername(_Misauthorized):
    """Sends the merchant id, which begins the user name, in its place."""

    def _authorization(self, username: str, password: str) -> str:
        return self._basic(f"{username.partition('_')[0]}:{password}".encode())


@broken("credentials", "request/getOrder", "The password stands in the log of every proxy on the way.")
class CredentialsInUrl(_Misauthorized):
    """Sends the credentials in the address too."""

    def authorize(self, username: str, password: str) -> None:
        """Put the credentials where this client keeps them."""
        self._query = "?" + urlencode({"username": username, "password": password})

    def _build(self, call: Call) -> WireRequest:
        request = super()._build(call)
        return replace(request, target=request.target + self._query)


# --- where they go --------------------------------------------------------------------------------------------------


@broken("security", "security/redirect/getOrder-302", "Whoever can redirect one call has the merchant's password.")
class RedirectFollowed(Broken):
    """Follows redirects, credentials and all."""

    def _send(self, request: WireRequest) -> Answer | Lost:
        answer = super()._send(request)
        if isinstance(answer, Lost) or answer.status // 100 != 3 or "Location" not in answer.headers:
            return answer
        target = urljoin(self._base_url + request.target, answer.headers.get("Location") or "")
        try:
            followed = self._http.request(request.method, target, headers=dict(request.headers), content=request.body)
        except httpx.TransportError:
            return answer
        return Answer(followed.status_code, Headers(followed.headers.multi_items()), followed.content)


@broken(
    "security",
    "security/certificate/getOrder",
    "Whoever stands in between has the merchant's password.",
)
class CertificateUnchecked(Broken):
    """Trusts any certificate."""

    @classmethod
    def open(cls, base_url: str, username: str, password: str, **options: Any) -> Client:
        """Return a client that checks no certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return super().open(base_url, username, password, **options | {"verify": context})


@broken(
    "security",
    "security/certificate/getOrder-other_name",
    "Whoever has a certificate for any name at all has the merchant's password.",
)
class HostUnchecked(Broken):
    """Asks for a certificate that somebody vouches for, whoever it was made out to."""

    @classmethod
    def open(cls, base_url: str, username: str, password: str, verify: Any = None, **options: Any) -> Client:
        """Return a client that compares no names."""
        context = ssl.create_default_context(cafile=verify)
        context.check_hostname = False
        return super().open(base_url, username, password, **options | {"verify": context})


@broken(
    "security",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/json",
    "The password stands in the shop's log after every failure.",
)
class PasswordInErrorText(_Misauthorized):
    """Writes the whole request into the text of its errors."""

    def authorize(self, username: str, password: str) -> None:
        """Put the credentials where this client keeps them."""
        self._shown = f"{username}:{password}"

    def _read(self, call: Call, outcome: Answer | Lost) -> Any:
        try:
            return super()._read(call, outcome)
        except KlarnaError as error:
            error.args = (f"{error} (as {self._shown})",)
            raise


@broken("security", "security/traversal/getOrder", "An id from outside reaches any path of the service.")
class PathTraversal(Broken):
    """Leaves slashes and dots of an id as they are."""

    def _build(self, call: Call) -> WireRequest:
        ids = {name: quote(value, safe="/.") for name, value in call.ids.items()}
        harmless = replace(call, ids=dict.fromkeys(call.ids, "x"))
        return replace(super()._build(harmless), target=call.operation.path.format(**ids))


# --- how much it reads -----------------------------------------------------------------------------------------------


@broken("security", "security/limits/huge-body", "One answer fills the memory of the shop.")
class UnlimitedRead(Broken):
    """Reads answers of any size, to their end."""

    def _send(self, request: WireRequest) -> Answer | Lost:
        self._longest_answer = 2**62
        return super()._send(request)


@broken("security", "security/limits/gzip-bomb", "One small answer fills the memory of the shop.")
class UnlimitedDecompression(Broken):
    """Decompresses whatever it is sent."""

    def _send(self, request: WireRequest) -> Answer | Lost:
        try:
            with self._http.stream(
                request.method, self._base_url + request.target, headers=dict(request.headers), content=request.body
            ) as response:
                body = b"".join(response.iter_raw())
                if response.headers.get("Content-Encoding") == "gzip":
                    body = zlib.decompress(body, wbits=31)
                return Answer(response.status_code, Headers(response.headers.multi_items()), body)
        except (httpx.TransportError, zlib.error) as trouble:
            return Lost(type(trouble).__name__)
