"""Cassettes of Ruby's VCR, and of the tools that write its layout in YAML or JSON."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from conformance.recordings.content import ContentDecoder
from conformance.recordings.message import Message, build_exchange, read_headers, read_status, read_time
from conformance.recordings.node import Node
from conformance.recordings.recording import Interaction

__all__ = ["read_ruby_vcr"]


def read_ruby_vcr(document: Node) -> Iterator[Interaction]:
    """Yield the interactions of a cassette in its order; raises RecordingError where the layout is broken."""
    decoder = ContentDecoder()
    for index, item in enumerate(document.need("http_interactions").items(), start=1):
        request = item.need("request")
        method = request.need("method")
        # Ruby writes the method as a symbol or a lower-case word; on the wire it was in capitals.
        method = Node(method.text().removeprefix(":").upper(), method.path, method.trail, method.line)
        response = item.child("response")
        status = None
        if response is not None:
            status = read_status(response.need("status").child("code"))
        exchange, lacking = build_exchange(
            method,
            request.need("uri"),
            _message(request),
            status,
            None if response is None else _message(response),
            decoder,
        )
        yield Interaction(exchange, index, read_time(item.child("recorded_at")), item.line, lacking)


def _message(node: Node) -> Message:
    return Message(read_headers(node.child("headers")), _bytes(node.child("body")), node)


def _bytes(body: Node | None) -> bytes:
    if body is None:
        return b""
    if not isinstance(body.value, dict):
        return _encoded(body, "")
    packed = body.child("base64_string")
    if packed is not None:
        try:
            return base64.b64decode("".join(packed.text().split()), validate=True)
        except (binascii.Error, ValueError):
            raise packed.fault("holds base64 that cannot be decoded") from None
    string = body.child("string")
    encoding = body.child("encoding")
    return b"" if string is None else _encoded(string, "" if encoding is None else encoding.text())


def _encoded(string: Node, encoding: str) -> bytes:
    """Turn text back into the bytes it stood for.

    The file is UTF-8 whatever the body was. Ruby's name for bytes of no encoding, names that Python does not know, and
    text that its encoding cannot hold leave the UTF-8 that stands in the file.
    """
    if isinstance(string.value, bytes):
        return string.value
    text = string.text()
    try:
        return text.encode(encoding or "utf-8")
    except (LookupError, UnicodeError, ValueError):
        return text.encode("utf-8", "surrogatepass")
