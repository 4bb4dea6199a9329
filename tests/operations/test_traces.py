"""Traces: from a request to the last event, and a purchase linked to the browser's trace id."""

import secrets

from common.testing.polling import eventually
from support.api_user import signed_in_user
from support.system import System
from ticketing_local.api_user import ApiUser, new_email
from ticketing_local.commands.trace_viewer import Span, TraceStore, tree_order

ALL_SERVICES = {"auth", "tickets", "orders", "expiration", "payments"}


def begin_trace(user: ApiUser) -> str:
    """Send a new trace context with the user's next requests, and return the id of its trace."""
    trace_id = secrets.token_hex(16)
    user.http.headers["traceparent"] = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    return trace_id


async def wait_for_spans(traces: TraceStore, trace_id: str, *needed: str) -> list[Span]:
    """Wait for the needed spans ("service: name") and return all that are linked to the trace."""

    async def collected() -> list[Span]:
        spans = traces.spans(trace_id)
        return spans if set(needed) <= {f"{span.service}: {span.name}" for span in spans} else []

    return await eventually(collected)


def parent_names(spans: list[Span], span: Span) -> list[str]:
    """Return the names of a span's ancestors, nearest first."""
    spans_by_id = {span.id: span for span in spans}
    names: list[str] = []
    while (parent := spans_by_id.get(span.parent)) is not None:
        names.append(parent.name)
        span = parent
    return names


async def test_purchase_is_linked_to_one_trace_across_all_services(
    system: System, traces: TraceStore
) -> None:
    seller = await ApiUser.sign_up(system.address, "seller")
    ticket = await seller.sell()
    buyer = ApiUser(system.address, new_email("buyer"))
    trace_id = begin_trace(buyer)
    await buyer.create_account()
    order = await buyer.order(ticket)
    await buyer.pay(order)
    await buyer.wait_for(f"/api/tickets/{ticket['id']}", status="sold")

    spans = await wait_for_spans(
        traces,
        trace_id,
        "auth: POST /api/users/signup",
        "orders: POST /api/orders",
        "expiration: publish fire",
        "payments: POST /api/payments",
        "payments: publish payment.created",
        "orders: process payment.created",
        "orders: publish order.completed",
        "auth: process order.completed",
        "tickets: process order.completed",
        "expiration: process order.completed",
        "payments: process order.completed",
    )
    await seller.close()
    await buyer.close()

    assert {span.service for span in spans} == ALL_SERVICES
    handled = [span for span in spans if span.name == "process order.completed"]
    assert {span.service for span in handled} == {"auth", "tickets", "expiration", "payments"}
    for span in handled:
        assert span.kind == "consumer"
        assert parent_names(spans, span) == [
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
    assert {span.service for span in mongo} == ALL_SERVICES
    requests = [span for span in spans if span.kind == "server"]
    assert [span for depth, span in tree_order(spans) if depth == 0] == requests
    assert all((span.parent, span.links) == ("", {trace_id}) for span in requests)
    assert trace_id not in traces.traces  # a stranger cannot add spans to another trace


async def test_expiration_belongs_to_its_orders_trace(system: System, traces: TraceStore) -> None:
    seller = await ApiUser.sign_up(system.address, "seller")
    ticket = await seller.sell()
    buyer = signed_in_user(system.address)
    trace_id = begin_trace(buyer)
    await buyer.order(ticket)
    await seller.close()
    await buyer.close()

    spans = await wait_for_spans(  # without requests, whose traces would displace the order's
        traces,
        trace_id,
        "expiration: process order.created",
        "expiration: publish fire",
        "expiration: process fire",
        "expiration: expire",
        "expiration: publish expiration.completed",
        "orders: process expiration.completed",
        "orders: publish order.cancelled",
        "tickets: process order.cancelled",
    )
    fired = next(span for span in spans if span.name == "process fire")
    assert (fired.service, fired.attributes["messaging.system"]) == ("expiration", "arq")
    assert parent_names(spans, fired)[:2] == ["publish fire", "process order.created"]
    cancelled = next(span for span in spans if span.name == "process order.cancelled")
    assert parent_names(spans, cancelled)[1:4] == [
        "process expiration.completed",
        "publish expiration.completed",
        "expire",
    ], parent_names(spans, cancelled)


async def test_background_loops_create_no_traces(system: System, traces: TraceStore) -> None:
    assert system
    loops = [s for spans in list(traces.traces.values()) for s in spans if "leases" in s.name]
    assert loops == []
