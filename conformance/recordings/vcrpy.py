"""Cassettes of vcrpy, in either of its serializers."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.recordings.content import ContentDecoder
from conformance.recordings.message import Message, build_exchange, read_headers, read_status
from conformance.recordings.node import Node
from conformance.recordings.recording import Interaction

__all__ = ["read_vcrpy"]


def read_vcrpy(document: Node) -> Iterator[Interaction]:
    """Yield the interactions of a cassette in its order; raises RecordingError where the layout is broken."""
    decoder = ContentDecoder()
    for index, item in enumerate(document.need("interactions").items(), start=1):
        request = item.need("request")
        sent = Message(read_headers(request.child("headers")), _bytes(request.child("body")), request)
        response = item.child("response")
        exchange, lacking = build_exchange(
            request.need("method"),
            request.need("uri"),
            sent,
            None if response is None else read_status(_status(response)),
            None if response is None else _answered(response),
            decoder,
        )
        yield Interaction(exchange, index, None, item.line, lacking)


def _status(response: Node) -> Node:
    # The first httpx adapter of vcrpy wrote the status and the content flat.
    flat = response.child("status_code")
    return flat if flat is not None else response.need("status").need("code")


def _answered(response: Node) -> Message:
    body = response.child("body")
    if body is None:
        body = response.child("content")
    elif isinstance(body.value, dict):
        body = body.child("string")
    return Message(read_headers(response.child("headers")), _bytes(body), response)


def _bytes(node: Node | None) -> bytes:
    if node is None:
        return b""
    if isinstance(node.value, bytes):
        return node.value
    if isinstance(node.value, dict):
        return _python_object(node)
    return node.text().encode("utf-8", "surrogatepass")


def _python_object(node: Node) -> bytes:
    """Read what PyYAML wrote for a file or an iterator given as a body: its content stands in a list."""
    held = node.child("state") or node.child("args")
    if held is None:
        raise node.fault("is no text")
    first = next(held.items(), None)
    if first is None:
        return b""
    if isinstance(first.value, list):
        return b"".join(_bytes(part) for part in first.items())
    return _bytes(first)
