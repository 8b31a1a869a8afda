"""HTTP archives, version 1.2, as browsers and proxies export them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from conformance.exchange import Headers
from conformance.recordings.content import ContentDecoder
from conformance.recordings.message import Message, build_exchange, read_status, read_time
from conformance.recordings.node import Node
from conformance.recordings.recording import Interaction

__all__ = ["read_har"]


def read_har(document: Node) -> Iterator[Interaction]:
    """Yield the entries in the order in which they began, which is not always the order of the file.

    Raises RecordingError where the layout is broken.
    """
    decoder = ContentDecoder()
    found = [_interaction(item, index, decoder) for index, item in enumerate(_entries(document), start=1)]
    times = [interaction.recorded_at for interaction in found]
    if None not in times:
        found = [found[place] for place in sorted(range(len(found)), key=lambda place: (times[place], place))]
    yield from found


def _entries(document: Node) -> Iterator[Node]:
    return document.need("log").need("entries").items()


def _interaction(entry: Node, index: int, decoder: ContentDecoder) -> Interaction:
    request = entry.need("request")
    response = entry.child("response")
    exchange, lacking = build_exchange(
        request.need("method"),
        request.need("url"),
        Message(_headers(request.child("headers")), _sent(request), request),
        None if response is None else read_status(response.child("status")),
        None if response is None else Message(_headers(response.child("headers")), _answered(response), response),
        decoder,
    )
    return Interaction(exchange, index, read_time(entry.child("startedDateTime")), None, lacking)


def _headers(node: Node | None) -> Headers:
    if node is None:
        return Headers()
    pairs: list[tuple[str, str]] = []
    for item in node.items():
        name, value = item.need("name").text(), item.child("value")
        # Browsers list the pseudo fields of HTTP/2 among the headers; they repeat the method and the address.
        if not name.startswith(":"):
            pairs.append((name, "" if value is None else value.text()))
    return Headers(pairs)


def _sent(request: Node) -> bytes | None:
    data = request.child("postData")
    text = data.child("text") if data is not None else None
    if data is None or text is None:
        return None if data is not None or _is_positive(request.child("bodySize")) else b""
    return _bytes(text, data.child("encoding"))


def _answered(response: Node) -> bytes | None:
    content = response.child("content")
    text = content.child("text") if content is not None else None
    if content is None or text is None:
        size = content.child("size") if content is not None else None
        return None if _is_positive(size if size is not None else response.child("bodySize")) else b""
    return _bytes(text, content.child("encoding"))


def _bytes(text: Node, encoding: Node | None) -> bytes:
    if encoding is None or encoding.text().lower() != "base64":
        return text.text().encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode("".join(text.text().split()), validate=True)
    except (binascii.Error, ValueError):
        raise text.fault("holds base64 that cannot be decoded") from None


def _is_positive(size: Node | None) -> bool:
    return size is not None and isinstance(size.value, str) and size.value.isdigit() and size.value.strip("0") != ""
