"""Signing in against the bare hash: Argon2id is what it should cost, and nothing else."""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any, cast

from passlib.context import CryptContext

from benchmarks.client import Connection
from benchmarks.measure import Meter, Options, Row, spread
from benchmarks.testbed import AS_SHIPPED, Stage

PASSWORD = "correct horse battery"
MOST = 1.10
"""What signing in may cost of CPU, of what the hash alone costs; the disk's time is its own."""


def sign_in(stage: Stage, options: Options) -> list[Row]:
    """Sign in again and again, in turn with the bare hash: time, and CPU."""
    stage.use("auth")
    context = CryptContext(
        schemes=["argon2"],
        argon2__type="ID",
        argon2__memory_cost=int(AS_SHIPPED["PASSWORD_MEMORY_KIB"]),
        argon2__time_cost=int(AS_SHIPPED["PASSWORD_ITERATIONS"]),
        argon2__parallelism=1,
    )
    stored = cast(Any, context).hash(PASSWORD)
    return asyncio.run(
        _compared(stage, options, lambda: cast(Any, context).verify(PASSWORD, stored))
    )


async def _compared(stage: Stage, options: Options, bare: Callable[[], bool]) -> list[Row]:
    credentials = {"email": "somebody@example.com", "password": PASSWORD}
    hashes: list[float] = []
    burnt: list[float] = []
    answers: list[float] = []
    each = max(10, int(options.seconds * 10))
    meter = Meter(stage, ["auth"])
    async with Connection.open(stage.port["auth"]) as door:
        await door.ask("POST", "/api/users/signup", credentials)
        for n in range(options.runs * each + 10):
            if n == 10:
                hashes, burnt, answers = [], [], []
                meter = Meter(stage, ["auth"])
            clock, cpu = time.perf_counter(), time.process_time()
            bare()
            hashes.append(time.perf_counter() - clock)
            burnt.append(time.process_time() - cpu)
            answer = await door.ask("POST", "/api/users/signin", credentials)
            if answer.status != 200:
                raise RuntimeError(f"cannot sign in: {answer}")
            answers.append(answer.seconds)
    took = statistics.median(answers) / statistics.median(hashes)
    cost = meter.per(len(answers))["auth"] / (statistics.fmean(burnt) * 1e6)
    return [
        Row(
            "sign-in, of what the bare Argon2id takes",
            f"time {took:.3f} ({statistics.median(answers) * 1000:.1f} of "
            f"{statistics.median(hashes) * 1000:.1f} ms), CPU of auth {cost:.3f}",
            ratio=spread([a / h for a, h in zip(answers, hashes, strict=True)]),
            bar=f"CPU {MOST:g} of it",
            met=cost <= MOST,
        )
    ]
