"""Every three moves in a row, on orders of a dozen moves: what goes wrong only after two others, or the third time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.exchange import Request
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, Key
from conformance.suites.expectations import CODES
from conformance.suites.moves import Move, make, one_too_many
from conformance.suites.preparation import learned
from conformance.suites.prepared_order import PreparedOrder
from conformance.suites.scene import Scene

__all__ = ["MOVES", "lives", "sequence_cases"]

_REPEAT: Move = ("repeat", None)
_RELEASE: Move = ("releaseRemainingAuthorization", None)


def _a_capture(order: PreparedOrder) -> int:
    return 301 + len(order.captures)


def _a_refund(order: PreparedOrder) -> int:
    return 101 + len(order.refunds)


def _less(order: PreparedOrder) -> int:
    return order.order_amount - 137


def _more(order: PreparedOrder) -> int:
    return order.order_amount + 211


# As many as there are residues of a prime, which is what the sequence below is made of. Nothing here ends an order at
# once, so that each has a life behind it.
MOVES: tuple[Move, ...] = (
    ("captureOrder", _a_capture),
    ("captureOrder", None),
    ("captureOrder", one_too_many),
    ("refundOrder", _a_refund),
    ("refundOrder", None),
    ("updateAuthorization", _less),
    ("updateAuthorization", _more),
    ("extendAuthorizationTime", None),
    ("extendDueDate", None),
    ("updateMerchantReferences", None),
    ("updateConsumerDetails", None),
    ("appendOrderShippingInfo", None),
    ("appendShippingInfo", None),
    ("triggerSendOut", None),
    ("acknowledgeOrder", None),
    _RELEASE,
    _REPEAT,
)
_STATES = ("furnished_captured", "furnished")
_LENGTH = 12
_AFTER_RELEASE = 2
# What a commit has the time for; a pull request has it for all of them.
_QUICK = 16


def sequence_cases() -> Iterator[Case]:
    """Yield the sequences, each an order's life of some dozen moves."""
    for number, places in enumerate(lives(), 1):
        state = _STATES[number % len(_STATES)]
        yield Case(
            id=f"orders/sequence/{number}",
            operation="",
            state=state,
            name=f"sequence-{number}",
            play=_played(state, places),
            codes=CODES["pair"],
            consumes=True,
            thorough=number > _QUICK,
        )


def lives() -> Iterator[tuple[int, ...]]:
    """Cut one long sequence into lives of an order, as places in MOVES.

    Each begins with the last two moves of the one before, so that no three in a row are lost between them.
    """
    line = _line(len(MOVES))
    begin = 0
    while begin + 2 < len(line):
        end = min(begin + _LENGTH, len(line))
        for place in range(begin + 2, end):
            if MOVES[line[place]] is _RELEASE:
                # Little is allowed afterwards, and every three moves are also wanted where much is.
                end = min(place + 1 + _AFTER_RELEASE, len(line))
                break
        yield tuple(line[begin:end])
        begin = end - 2


def _line(prime: int) -> list[int]:
    """Return a sequence of residues in which every three stand in a row once.

    It is one period of a linear recurrence whose polynomial is primitive, which holds all threes but three zeros.
    """
    line = [0, 0, 0, 1]
    while len(line) < prime**3 + 2:
        line.append((3 * line[-3] + 2 * line[-1]) % prime)
    return line


def _played(state: str, places: tuple[int, ...]) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, "getOrder", state)
        sent: list[Request] = []
        for number, place in enumerate(places):
            move = MOVES[place]
            if move is _REPEAT:
                if sent:
                    conversation.send(sent[-1 - number % min(len(sent), 3)])
            else:
                reply = make(scene, move, Key.NONE if (number + place) % 3 == 0 else Key.FRESH)
                sent.append(reply.exchange.request)
            read = scene.read()
            if move is _REPEAT:
                scene.order = learned(read, scene.order.order_id)
        scene.read_all()

    return play
