"""Ten thousand orders that run out of time within a minute: how late is each?"""

import asyncio
import json
import time
from datetime import datetime

import nats
from nats.aio.msg import Msg

from benchmarks.client import quantile
from benchmarks.measure import Meter, Options, Row
from benchmarks.purchase import ordering
from benchmarks.testbed import Stage, sessions

WINDOW = 70
LATE = 2.0


def expiry(stage: Stage, options: Options) -> list[Row]:
    """Place orders at an even pace; see when each is told to be cancelled, and free again."""
    count, seconds, window = (300, 3, 5) if options.quick else (10_000, 60, WINDOW)
    stage.use_all(ORDER_EXPIRATION_SECONDS=str(window))
    return [asyncio.run(_watched(stage, count, seconds, window))]


async def _watched(stage: Stage, count: int, seconds: float, window: float) -> Row:
    late: dict[str, float] = {}
    fired: dict[str, float] = {}
    due: dict[str, float] = {}
    client = await nats.connect(stage.system.nats)

    async def on_created(msg: Msg) -> None:
        order = json.loads(msg.data)
        due[order["id"]] = datetime.fromisoformat(order["expiresAt"]).timestamp()

    async def on_fired(msg: Msg) -> None:
        fired.setdefault(json.loads(msg.data)["orderId"], time.time())

    async def on_cancelled(msg: Msg) -> None:
        late.setdefault(json.loads(msg.data)["id"], time.time())

    await client.subscribe("order.created", cb=on_created)
    await client.subscribe("expiration.completed", cb=on_fired)
    await client.subscribe("order.cancelled", cb=on_cancelled)
    meter = Meter(stage, [*stage.system.services, "mongod", "nats", "redis"])
    await asyncio.to_thread(ordering, stage, sessions(500), seconds, count / seconds)
    await asyncio.to_thread(stage.until, lambda: len(late) >= len(due), window + 60)
    await client.close()
    waits = [late[order] - due[order] for order in due if order in late]
    alarms = [fired[order] - due[order] for order in due if order in fired]
    cpu = ", ".join(f"{name} {cost:.0f}" for name, cost in meter.per(len(due)).items())
    return Row(
        f"{len(due):,} orders expiring in {seconds:.0f} s: lateness of the cancelled order",
        f"p50 {quantile(waits, 0.5):.2f} s, p99 {quantile(waits, 0.99):.2f} s, most "
        f"{max(waits):.2f} s, earliest {min(waits):.3f} s (of expiration.completed: p50 "
        f"{quantile(alarms, 0.5):.2f} s, most {max(alarms):.2f} s); "
        f"{len(due) - len(waits)} never; CPU µs an order: {cpu}",
        bar="each within 2 s",
        met=len(waits) == len(due) > 0 and max(waits) < LATE and min(waits) > -0.01,
    )
