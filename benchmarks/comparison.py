"""The sections that the reference supports too: reads and the two writes."""

import http.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from benchmarks.measure import Options, Row, compare_sides
from benchmarks.testbed import OURS, SELLER, THEIRS, Testbed, order_requests
from benchmarks.wrk import Load, load, request
from common.testing.client import session_cookie

TICKETS_LISTED = 100
SELLER_REQUESTS = 500
MAX_ORDERS_PER_SECOND = 4_000
"""More than either side can process."""

Requests = Sequence[bytes]


def reads(testbed: Testbed, options: Options) -> list[Row]:
    """Measure reads of the list and of single tickets, also while tickets are created."""
    testbed.start_services("tickets", THEIRS)
    ids = testbed.insert_tickets(TICKETS_LISTED)

    def compare(name: str, requests: Mapping[str, Requests], target: float | None = None) -> Row:
        return compare_sides(
            testbed, name, "tickets", _wrk_work(testbed, options, requests), options, target
        )

    list_request = [request("GET", "/api/tickets")]
    ticket_requests = [request("GET", f"/api/tickets/{i}") for i in ids]
    mixed_requests = [*list_request * 19, _new_ticket(0)]
    return [
        compare("list of 100 tickets", _for_both_sides(list_request), target=25),
        compare("one ticket, of 100", _for_both_sides(ticket_requests), target=5),
        compare(
            "one ticket, If-None-Match (304)",
            {
                side: _conditional_requests(testbed.port[_process_name(side)], ids)
                for side in (OURS, THEIRS)
            },
        ),
        compare("list of 100, one request in 20 creates a ticket", _for_both_sides(mixed_requests)),
    ]


def tickets(testbed: Testbed, options: Options) -> list[Row]:
    """Measure the creation of tickets. The response means that the event is stored too."""
    testbed.start_services("tickets", THEIRS)
    requests = _for_both_sides([_new_ticket(n) for n in range(SELLER_REQUESTS)])
    work = _wrk_work(testbed, options, requests)
    return [compare_sides(testbed, "create a ticket", "tickets", work, options, target=1.5)]


def orders(testbed: Testbed, options: Options) -> list[Row]:
    """Measure the creation of orders, each on its own ticket."""
    testbed.start_services("orders", THEIRS)
    orders_per_run = int(options.seconds * MAX_ORDERS_PER_SECOND)
    ticket_ids: dict[str, Iterator[str]] = {}
    ids = testbed.insert_tickets(orders_per_run * (options.runs + 1))
    ticket_ids = {side: iter(ids) for side in (OURS, THEIRS)}

    def work(side: str) -> Load:
        requests = order_requests(list(islice(ticket_ids[side], orders_per_run)))
        return load(testbed.port[_process_name(side, "orders")], requests, options.seconds)

    return [
        compare_sides(
            testbed, "create an order, each on its own ticket", "orders", work, options, 1.5
        )
    ]


def _process_name(side: str, service: str = "tickets") -> str:
    return service if side == OURS else THEIRS


def _for_both_sides(requests: Requests) -> dict[str, Requests]:
    return {OURS: requests, THEIRS: requests}


def _wrk_work(
    testbed: Testbed, options: Options, requests: Mapping[str, Requests]
) -> Callable[[str], Load]:
    return lambda side: load(testbed.port[_process_name(side)], requests[side], options.seconds)


def _new_ticket(n: int) -> bytes:
    body = {"title": f"Row {n}, seat {n % 7}", "price": 20 + n % 50}
    return request("POST", "/api/tickets", body, Cookie=f"session={session_cookie(SELLER)}")


def _conditional_requests(port: int, ids: Sequence[str]) -> Requests:
    """Return conditional requests with the ETags that this side returned."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    requests: list[bytes] = []
    for i in ids:
        connection.request("GET", f"/api/tickets/{i}")
        response = connection.getresponse()
        response.read()
        requests.append(
            request("GET", f"/api/tickets/{i}", If_None_Match=response.headers["ETag"] or "")
        )
    connection.close()
    return requests
