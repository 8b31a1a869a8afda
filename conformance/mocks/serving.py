"""The mock on a socket, for clients whose library cannot be patched: the same mock, the same assertions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from conformance.exchange import Request, Response
from conformance.mocks.klarna_mock import KlarnaMock, simulator_for
from conformance.mocks.rule import Mishap
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.toxic import SpoiltError, Toxic

__all__ = ["serve_mock"]

# When the door is told, the mock has done what it does; only the connection is left to spoil.
_TOXICS: Mapping[Mishap, Toxic] = {
    # As long as a toxic can last: whoever waits in vain gives up before.
    Mishap.TIMES_OUT: Toxic("timeout", {"ms": 60_000}),
    Mishap.RESETS: Toxic("reset_before"),
    Mishap.LOSES_THE_REPLY: Toxic("close_before"),
}


def serve_mock(
    *,
    simulator: Simulator | None = None,
    behaviour: str | None = None,
    credentials: tuple[str, str] | None = None,
    strict: bool = True,
    check_unused: bool = True,
) -> KlarnaMock:
    """Serve the whole contract on a free port of loopback, so that any client in any language can be tested.

    ``base_url`` of the mock says where. The arguments are those of ``mount``. A request that reaches no operation is
    answered with a refusal and fails the test when the ``with`` block ends.
    """
    front = _Front()
    with ExitStack() as stack:
        server = stack.enter_context(ServerThread(simulator_for(simulator, behaviour, credentials), front=front))
        # Where it is mounted is known only once the door is open; before that, nobody knows where to ask.
        front.mock = KlarnaMock(server.simulator, server.base_url, strict=strict, check_unused=check_unused)
        return front.mock.mounted_by(stack.pop_all().close)


class _Front:
    """The mock as a door sees it."""

    mock: KlarnaMock

    def handle(self, request: Request) -> Response:
        """Answer one request; raises SpoiltError for a mishap."""
        answer = self.mock.answer_anyway(_without_origin(request))
        if isinstance(answer, Mishap):
            raise SpoiltError(_TOXICS[answer], worked=answer is Mishap.LOSES_THE_REPLY)
        return answer


def _without_origin(request: Request) -> Request:
    """Return the request as if it had been made to an origin: clients behind a proxy send the whole URL."""
    scheme, mark, rest = request.target.partition("://")
    if not mark or "/" in scheme:
        return request
    return Request(request.method, f"/{rest.partition('/')[2]}", request.headers, request.body)
