"""A real TURN server takes the credentials while they hold, and reaches the service alone."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from aioice.stun import TransactionFailed
from aioice.turn import create_turn_endpoint

from proctor.media.relay import LASTS, relays_for_now
from proctor.settings import Settings
from tests.support.turn_server import MISSING, SECRET, TurnServer, find_turnserver

pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(find_turnserver() is None, reason=MISSING),
]

HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnServer]:
    with TurnServer(tmp_path_factory.mktemp("relay")) as server:
        yield server


async def allocated(
    server: TurnServer, secret: str = SECRET, age: timedelta = timedelta(0)
) -> asyncio.DatagramTransport:
    """A relayed address, asked for with credentials of that *age*."""
    settings = Settings(turn_urls=server.url, turn_secret=secret)
    (relay,) = relays_for_now(settings, datetime.now(UTC) - age)
    transport, _ = await create_turn_endpoint(
        asyncio.DatagramProtocol,
        server_addr=(HERE, server.port),
        username=relay.username,
        password=relay.credential,
        transport="tcp",
    )
    made: asyncio.DatagramTransport = transport
    return made


async def arrives(transport: asyncio.DatagramTransport, address: str) -> bool:
    """Whether what is sent through the relay arrives at *address*."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((address, 0))
        peer.setblocking(False)
        loop = asyncio.get_running_loop()
        transport.sendto(b"picture", peer.getsockname())
        try:
            async with asyncio.timeout(1.0):
                return await loop.sock_recv(peer, 100) == b"picture"
        except TimeoutError:
            return False


async def test_what_is_sent_through_it_reaches_the_service_and_nobody_else(
    server: TurnServer,
) -> None:
    transport = await allocated(server)
    assert await arrives(transport, HERE)
    assert not await arrives(transport, ELSEWHERE)
    transport.close()


@pytest.mark.parametrize(
    ("secret", "age"), [(SECRET, LASTS + timedelta(seconds=5)), ("another", timedelta(0))]
)
async def test_credentials_that_do_not_hold_are_refused(
    server: TurnServer, secret: str, age: timedelta
) -> None:
    with pytest.raises(TransactionFailed) as refused:
        await allocated(server, secret, age)
    assert refused.value.response.attributes["ERROR-CODE"][0] == 401
