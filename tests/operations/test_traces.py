"""One purchase is one trace, from the browser's request to the last event."""

import secrets

from common.testing.plugin import eventually
from support.api_user import Person
from support.system import System
from ticketing_local.commands.trace_viewer import Collector, Span, ordered

FIVE = {"auth", "tickets", "orders", "expiration", "payments"}


class Traced(Person):
    """Somebody whose browser has begun a trace."""

    @property
    def trace_id(self) -> str:
        """The id of the trace."""
        return self.http.headers["traceparent"].split("-")[1]

    def begins(self) -> None:
        """Begin a trace, sampled."""
        header = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        self.http.headers["traceparent"] = header


async def spans_of(traces: Collector, trace_id: str, *needed: str) -> list[Span]:
    """Wait until these ("service: name") have come, and give all of the trace."""

    async def come() -> list[Span]:
        spans = traces.spans(trace_id)
        return spans if set(needed) <= {f"{span.service}: {span.name}" for span in spans} else []

    return await eventually(come, 20)


def parents(spans: list[Span], span: Span) -> list[str]:
    """Name what a span is part of, nearest first."""
    known = {span.id: span for span in spans}
    names: list[str] = []
    while (parent := known.get(span.parent)) is not None:
        names.append(parent.name)
        span = parent
    return names


async def test_a_purchase_is_one_trace_across_all_five_services(
    system: System, traces: Collector
) -> None:
    seller = await Person.signed_up(system.address, "seller")
    ticket = await seller.sell()
    buyer = Traced(system.address, f"{secrets.token_hex(6)}@example.com")
    buyer.begins()
    account = {"email": buyer.email, "password": "correct horse battery"}
    await buyer.ask("POST", "/api/users/signup", account, expect=201)
    order = await buyer.order(ticket)
    await buyer.pay(order)
    await buyer.sees(f"/api/tickets/{ticket['id']}", status="sold")

    spans = await spans_of(
        traces,
        buyer.trace_id,
        "auth: POST /api/users/signup",
        "orders: POST /api/orders",
        "expiration: publish fire",
        "payments: POST /api/payments",
        "orders: publish order.completed",
        "tickets: process order.completed",
        "expiration: process order.completed",
        "payments: process order.completed",
    )
    await seller.leave()
    await buyer.leave()

    assert {span.service for span in spans} == FIVE
    handled = [span for span in spans if span.name == "process order.completed"]
    assert {span.service for span in handled} == {"tickets", "expiration", "payments"}
    for span in handled:
        assert span.kind == "consumer"
        assert parents(spans, span) == [
            "publish order.completed",
            "process payment.created",
            "publish payment.created",
            "POST /api/payments",
        ]
        assert (
            span.attributes.items()
            >= {
                "messaging.system": "nats",
                "messaging.operation.name": "process",
                "messaging.destination.name": "order.completed",
                "messaging.consumer.group.name": f"{span.service}-orders",
                "messaging.message.id": f"order.completed:{order['id']}:1",
            }.items()
        )
    stripe = [s for s in spans if s.kind == "client" and "/v1/payment_intents" in str(s.attributes)]
    assert stripe
    mongo = [span for span in spans if span.attributes.get("db.system.name") == "mongodb"]
    assert {span.service for span in mongo} == FIVE
    assert sum(1 for depth, _ in ordered(spans) if depth == 0) == len(
        [span for span in spans if span.kind == "server"]
    )


async def test_an_expiry_belongs_to_the_trace_of_its_order(
    system: System, traces: Collector
) -> None:
    seller = await Person.signed_up(system.address, "seller")
    ticket = await seller.sell()
    buyer = Traced.known(system.address)
    buyer.begins()
    order = await buyer.order(ticket)
    trace_id = buyer.trace_id
    buyer.begins()  # what its browser asks from here on is another trace
    await buyer.sees(f"/api/orders/{order['id']}", status="cancelled", reason="expired")
    await seller.leave()
    await buyer.leave()

    spans = await spans_of(
        traces,
        trace_id,
        "expiration: process fire",
        "expiration: expire",
        "expiration: publish expiration.completed",
        "orders: process expiration.completed",
        "orders: publish order.cancelled",
        "tickets: process order.cancelled",
    )
    fired = next(span for span in spans if span.name == "process fire")
    assert (fired.service, fired.attributes["messaging.system"]) == ("expiration", "arq")
    assert parents(spans, fired)[:2] == ["publish fire", "process order.created"]
    cancelled = next(span for span in spans if span.name == "process order.cancelled")
    assert parents(spans, cancelled)[1:4] == [
        "process expiration.completed",
        "publish expiration.completed",
        "expire",
    ], parents(spans, cancelled)


async def test_a_background_loop_makes_no_traces(system: System, traces: Collector) -> None:
    assert system
    loops = [s for spans in list(traces.traces.values()) for s in spans if "leases" in s.name]
    assert loops == []
