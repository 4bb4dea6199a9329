"""Sections that the reference can do too: reads, and the two writes."""

import http.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from benchmarks.measure import Options, Row, compared
from benchmarks.testbed import OURS, SELLER, THEIRS, Stage, sessions
from benchmarks.wrk import Load, load, request
from common.testing.plugin import session_cookie

SHOWN = 100
PEOPLE = 500
MOST_ORDERS = 4_000
"""A second: more than either side can take."""

Requests = Sequence[bytes]


def reads(stage: Stage, options: Options) -> list[Row]:
    """Read the list and single tickets, of 100; also while some are written."""
    stage.use("tickets", THEIRS)
    ids = stage.sell(SHOWN)

    def compare(name: str, requests: Mapping[str, Requests], bar: float | None = None) -> Row:
        return compared(stage, name, "tickets", _sending(stage, options, requests), options, bar)

    listing = [request("GET", "/api/tickets")]
    each = [request("GET", f"/api/tickets/{i}") for i in ids]
    written = [*listing * 19, _new_ticket(0)]
    return [
        compare("list of 100 tickets", _both(listing), bar=25),
        compare("one ticket, of 100", _both(each), bar=5),
        compare(
            "one ticket, If-None-Match (304)",
            {side: _known(stage.port[_service(side)], ids) for side in (OURS, THEIRS)},
        ),
        compare("list of 100, one request in 20 creates a ticket", _both(written)),
    ]


def tickets(stage: Stage, options: Options) -> list[Row]:
    """Create tickets; each answer means that the change is safe and its event will come."""
    stage.use("tickets", THEIRS)
    requests = _both([_new_ticket(n) for n in range(PEOPLE)])
    work = _sending(stage, options, requests)
    return [compared(stage, "create a ticket", "tickets", work, options, bar=1.5)]


def orders(stage: Stage, options: Options) -> list[Row]:
    """Order tickets, each once."""
    stage.use("orders", THEIRS)
    buyers = sessions(PEOPLE)
    each_run = int(options.seconds * MOST_ORDERS)
    fresh: dict[str, Iterator[str]] = {}
    ids = stage.sell(each_run * (options.runs + 1))
    fresh = {side: iter(ids) for side in (OURS, THEIRS)}

    def work(side: str) -> Load:
        some = islice(fresh[side], each_run)
        requests = [_order(i, buyers[n % PEOPLE]) for n, i in enumerate(some)]
        return load(stage.port[_service(side, "orders")], requests, options.seconds)

    return [
        compared(stage, "create an order, each on its own ticket", "orders", work, options, 1.5)
    ]


def _service(side: str, service: str = "tickets") -> str:
    return service if side == OURS else THEIRS


def _both(requests: Requests) -> dict[str, Requests]:
    return {OURS: requests, THEIRS: requests}


def _sending(
    stage: Stage, options: Options, requests: Mapping[str, Requests]
) -> Callable[[str], Load]:
    return lambda side: load(stage.port[_service(side)], requests[side], options.seconds)


def _new_ticket(n: int) -> bytes:
    body = {"title": f"Row {n}, seat {n % 7}", "price": 20 + n % 50}
    return request("POST", "/api/tickets", body, Cookie=f"session={session_cookie(SELLER)}")


def _order(ticket: str, buyer: str) -> bytes:
    return request("POST", "/api/orders", {"ticketId": ticket}, Cookie=buyer)


def _known(port: int, ids: Sequence[str]) -> Requests:
    """Ask for what the asker has already: each side gives its own tags."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    requests: list[bytes] = []
    for i in ids:
        connection.request("GET", f"/api/tickets/{i}")
        answer = connection.getresponse()
        answer.read()
        requests.append(
            request("GET", f"/api/tickets/{i}", If_None_Match=answer.headers["ETag"] or "")
        )
    connection.close()
    return requests
