"""The lateness of 10,000 orders that expire within a minute."""

import asyncio
import json
import time
from datetime import datetime

import nats
from nats.aio.msg import Msg

from benchmarks.client import quantile
from benchmarks.measure import Meter, Options, Row
from benchmarks.purchase import load_orders
from benchmarks.testbed import Testbed

ORDER_EXPIRATION_SECONDS = 70
MAX_LATENESS_SECONDS = 2.0


def expiry(testbed: Testbed, options: Options) -> list[Row]:
    """Place orders at an even rate and measure how late each is cancelled."""
    count, seconds, window = (
        (300, 3, 5) if options.quick else (10_000, 60, ORDER_EXPIRATION_SECONDS)
    )
    testbed.start_all(ORDER_EXPIRATION_SECONDS=str(window))
    return [asyncio.run(_measure(testbed, count, seconds, window))]


async def _measure(testbed: Testbed, count: int, seconds: float, expiration: float) -> Row:
    cancelled_at: dict[str, float] = {}
    fired_at: dict[str, float] = {}
    due_at: dict[str, float] = {}
    client = await nats.connect(testbed.system.nats)

    async def on_created(msg: Msg) -> None:
        order = json.loads(msg.data)
        due_at[order["id"]] = datetime.fromisoformat(order["expiresAt"]).timestamp()

    async def on_fired(msg: Msg) -> None:
        fired_at.setdefault(json.loads(msg.data)["orderId"], time.time())

    async def on_cancelled(msg: Msg) -> None:
        cancelled_at.setdefault(json.loads(msg.data)["id"], time.time())

    await client.subscribe("order.created", cb=on_created)
    await client.subscribe("expiration.completed", cb=on_fired)
    await client.subscribe("order.cancelled", cb=on_cancelled)
    meter = Meter(testbed, [*testbed.system.services, "mongod", "nats", "redis"])
    await asyncio.to_thread(load_orders, testbed, seconds, count / seconds)
    await asyncio.to_thread(
        testbed.wait_until, lambda: len(cancelled_at) >= len(due_at), expiration + 60
    )
    await client.close()
    cancel_lags = [cancelled_at[order] - due_at[order] for order in due_at if order in cancelled_at]
    fire_lags = [fired_at[order] - due_at[order] for order in due_at if order in fired_at]
    cpu = ", ".join(f"{name} {cost:.0f}" for name, cost in meter.per(len(due_at)).items())
    return Row(
        f"{len(due_at):,} orders expiring in {seconds:.0f} s: lateness of the cancelled order",
        f"p50 {quantile(cancel_lags, 0.5):.2f} s, p99 {quantile(cancel_lags, 0.99):.2f} s, max "
        f"{max(cancel_lags):.2f} s, earliest {min(cancel_lags):.3f} s "
        f"(of expiration.completed: p50 "
        f"{quantile(fire_lags, 0.5):.2f} s, max {max(fire_lags):.2f} s); "
        f"{len(due_at) - len(cancel_lags)} never; CPU µs per order: {cpu}",
        figure=f"max {max(cancel_lags):.2f} s",
        target="each within 2 s",
        met=len(cancel_lags) == len(due_at) > 0
        and max(cancel_lags) < MAX_LATENESS_SECONDS
        and min(cancel_lags) > -0.01,
    )
