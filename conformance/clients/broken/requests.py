"""Clients that send the wrong request line or head: method, path, ids, media type."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, quote_plus

from conformance.clients.broken.mutation import Broken, broken
from conformance.clients.reference.call import Call, WireRequest

__all__: list[str] = []


class _Respelling(Broken):
    """Writes ids into the path in its own way."""

    def _build(self, call: Call) -> WireRequest:
        ids = {name: self._id(value) for name, value in call.ids.items()}
        return replace(super()._build(call), target=call.operation.path.format(**ids))

    def _id(self, value: str) -> str:
        return quote(value, safe="")


class _Rerouting(Broken):
    """Sends the request somewhere else."""

    def _build(self, call: Call) -> WireRequest:
        request = super()._build(call)
        return replace(request, target=self._target(call, request.target))

    def _target(self, call: Call, target: str) -> str:
        return target


class _Reheading(Broken):
    """Sends other header fields."""

    def _build(self, call: Call) -> WireRequest:
        request = super()._build(call)
        return replace(request, headers=self._headers(dict(request.headers)))

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return headers


# --- method and path ------------------------------------------------------------------------------------------------


@broken("path", "request/updateMerchantReferences", "Every change of an order fails, and stays undone.")
class PatchAsPost(Broken):
    """Sends POST where the operation is a PATCH."""

    def _build(self, call: Call) -> WireRequest:
        request = super()._build(call)
        return replace(request, method="POST") if request.method == "PATCH" else request


@broken("path", "request/captureOrder", "Goods are shipped and never paid for: the list of captures is read instead.")
class GetInsteadOfCapture(Broken):
    """Reads the captures when asked to capture."""

    def _build(self, call: Call) -> WireRequest:
        request = super()._build(call)
        return replace(request, method="GET", body=None) if call.operation_id == "captureOrder" else request


@broken("path", "request/getOrder", "It works for as long as the gateway forgives a doubled slash.")
class DoubledSlash(_Rerouting):
    """Begins the path with two slashes."""

    def _target(self, call: Call, target: str) -> str:
        return "/" + target


@broken("path", "request/cancelOrder", "It works for as long as the gateway forgives a closing slash.")
class TrailingSlash(_Rerouting):
    """Ends the path with a slash."""

    def _target(self, call: Call, target: str) -> str:
        return target + "/"


@broken("path", "request/releaseRemainingAuthorization", "The customer's money stays reserved until it expires.")
class ReleaseMisspelt(_Rerouting):
    """Misspells the path of a release."""

    def _target(self, call: Call, target: str) -> str:
        return target.replace("release-remaining-authorization", "release-remaining-authorisation")


@broken("path", "request/getOptionsForExtendDueDate", "No customer is ever offered more time to pay.")
class OptionsFromTheWrongPath(_Rerouting):
    """Reads the options from the path that changes the due date."""

    def _target(self, call: Call, target: str) -> str:
        return target.removesuffix("-options")


@broken("path", "request/getCapture", "Captures cannot be read, shipped or sent out again: the ids are crossed.")
class IdsSwapped(Broken):
    """Puts the capture id where the order id belongs."""

    def _build(self, call: Call) -> WireRequest:
        if "capture_id" in call.ids:
            crossed = {"order_id": call.ids["capture_id"], "capture_id": call.ids["order_id"]}
            return super()._build(replace(call, ids=crossed))
        return super()._build(call)


@broken("path", "request/appendShippingInfo", "The parcel is booked to the order, and no capture shows its tracking.")
class ShipmentOnOrder(_Rerouting):
    """Adds a capture's shipment to the order."""

    def _target(self, call: Call, target: str) -> str:
        if call.operation_id != "appendShippingInfo":
            return target
        order = {"order_id": call.ids["order_id"]}
        return super()._build(Call("appendOrderShippingInfo", order, call.body)).target


# --- ids ------------------------------------------------------------------------------------------------------------


@broken("encoding", "ids/getOrder/slash", "An id from outside decides which path is called.")
class IdsUnescaped(_Respelling):
    """Puts ids into the path as they are."""

    def _id(self, value: str) -> str:
        return value


@broken("encoding", "ids/getOrder/percent", "Orders whose id holds a special character are never found.")
class IdsEscapedTwice(_Respelling):
    """Escapes the escapes."""

    def _id(self, value: str) -> str:
        return quote(quote(value, safe=""), safe="")


@broken("encoding", "ids/getOrder/unicode", "Orders whose id holds a letter beyond ASCII are never found.")
class IdsInLatin1(_Respelling):
    """Percent-encodes ids in Latin-1."""

    def _id(self, value: str) -> str:
        return quote(value, safe="", encoding="latin-1", errors="replace")


@broken("encoding", "ids/getOrder/space", "Orders whose id holds a space are never found.")
class PlusForSpace(_Respelling):
    """Writes a space in a path as a plus sign, as in a form."""

    def _id(self, value: str) -> str:
        return quote_plus(value)


@broken("encoding", "ids/getOrder/percent-s", "A percent sign followed by a letter is taken for a place to fill in.")
class IdsFormatted(_Respelling):
    """Runs ids through a format."""

    def _id(self, value: str) -> str:
        return quote(value.replace("%s", "None"), safe="")


# --- media ----------------------------------------------------------------------------------------------------------


@broken("media", "request/captureOrder", "Every write with a body is refused as an unknown media type.")
class FormContentType(_Reheading):
    """Declares JSON as a form."""

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {
            name: "application/x-www-form-urlencoded" if name == "Content-Type" else value
            for name, value in headers.items()
        }


@broken("media", "request/captureOrder", "Every write with a body depends on a server that guesses.")
class NoContentType(_Reheading):
    """Declares no media type."""

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in headers.items() if name != "Content-Type"}
