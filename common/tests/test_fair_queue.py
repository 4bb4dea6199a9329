"""Tests of fair queueing between the networks of the clients."""

import asyncio
from collections import Counter

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from common.web.client_address import client_network, set_client_network
from common.web.fair_queue import MAX_STARTS_PER_TURN, FairQueueMiddleware


class Turns:
    """An app that counts the requests of each network that start in one turn of the loop."""

    def __init__(self) -> None:
        self.turn = 0
        self.starts: Counter[tuple[int, str | None]] = Counter()

    async def count(self) -> None:
        """Count the turns, until cancelled."""
        while True:
            self.turn += 1
            await asyncio.sleep(0)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.starts[self.turn, client_network(scope)] += 1
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


def identify_clients(app: ASGIApp) -> ASGIApp:
    async def identified(scope: Scope, receive: Receive, send: Send) -> None:
        set_client_network(scope, 1)
        await app(scope, receive, send)

    return identified


async def send_requests(requests: dict[str, int]) -> Turns:
    """Send requests of these addresses at once. The empty address is an internal client."""
    turns = Turns()
    transport = httpx.ASGITransport(identify_clients(FairQueueMiddleware(turns)))
    counter = asyncio.create_task(turns.count())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        responses = await asyncio.gather(
            *(
                client.get("/", headers={"x-forwarded-for": address} if address else {})
                for address, count in requests.items()
                for _ in range(count)
            )
        )
    counter.cancel()
    assert {response.status_code for response in responses} == {204}
    return turns


async def test_requests_of_one_network_start_in_different_turns() -> None:
    turns = await send_requests({"192.0.2.1": 40})

    assert max(turns.starts.values()) == MAX_STARTS_PER_TURN
    assert turns.starts.total() == 40


async def test_request_of_another_network_does_not_wait_for_them() -> None:
    turns = await send_requests({"192.0.2.1": 40, "192.0.2.2": 1})

    turn_of_other = next(turn for turn, network in turns.starts if network == "192.0.2.2")
    last_turn = max(turn for turn, network in turns.starts if network == "192.0.2.1")
    assert turn_of_other < last_turn / 2


async def test_internal_requests_start_at_once() -> None:
    turns = await send_requests({"": 40})

    assert max(turns.starts.values()) > MAX_STARTS_PER_TURN
