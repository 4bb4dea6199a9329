"""The cost of signing in, relative to the bare Argon2id hash."""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any, cast

from passlib.context import CryptContext

from benchmarks.client import Connection
from benchmarks.measure import Meter, Options, Row, spread
from benchmarks.testbed import PRODUCTION_SETTINGS, Testbed

PASSWORD = "correct horse battery"
SIGN_INS_PER_ACCOUNT = 15
"""Fewer than the sessions of one account, beyond which a sign-in also ends the oldest."""
MAX_CPU_RATIO = 1.25
"""The CPU of a sign-in divided by that of the hash. Waiting for the disk does not count."""


def sign_in(testbed: Testbed, options: Options) -> list[Row]:
    """Measure the time and CPU of sign-ins, each in turn with a bare hash."""
    testbed.start_services("auth")
    context = CryptContext(
        schemes=["argon2"],
        argon2__type="ID",
        argon2__memory_cost=int(PRODUCTION_SETTINGS["PASSWORD_MEMORY_KIB"]),
        argon2__time_cost=int(PRODUCTION_SETTINGS["PASSWORD_ITERATIONS"]),
        argon2__parallelism=1,
    )
    stored = cast(Any, context).hash(PASSWORD)
    return asyncio.run(
        _measure(testbed, options, lambda: cast(Any, context).verify(PASSWORD, stored))
    )


async def _measure(testbed: Testbed, options: Options, verify: Callable[[], bool]) -> list[Row]:
    hashes: list[float] = []
    hash_cpu: list[float] = []
    sign_in_times: list[float] = []
    repetitions = max(10, int(options.seconds * 10))
    meter = Meter(testbed, ["auth"])
    async with Connection.open(testbed.port["auth"]) as connection:
        sign_ins = options.runs * repetitions + 10
        accounts = [
            {"email": f"user-{n}@example.com", "password": PASSWORD}
            for n in range(-(-sign_ins // SIGN_INS_PER_ACCOUNT))
        ]
        for account in accounts:
            await connection.send("POST", "/api/users/signup", account)
        for n in range(sign_ins):
            if n == 10:
                hashes, hash_cpu, sign_in_times = [], [], []
                meter = Meter(testbed, ["auth"])
            clock, cpu = time.perf_counter(), time.process_time()
            verify()
            hashes.append(time.perf_counter() - clock)
            hash_cpu.append(time.process_time() - cpu)
            response = await connection.send(
                "POST", "/api/users/signin", accounts[n % len(accounts)]
            )
            if response.status != 200:
                raise RuntimeError(f"cannot sign in: {response}")
            sign_in_times.append(response.seconds)
    time_ratio = statistics.median(sign_in_times) / statistics.median(hashes)
    cpu_ratio = meter.per(len(sign_in_times))["auth"] / (statistics.fmean(hash_cpu) * 1e6)
    return [
        Row(
            "sign-in, relative to the bare Argon2id hash",
            f"time ratio {time_ratio:.3f} ({statistics.median(sign_in_times) * 1000:.1f} to "
            f"{statistics.median(hashes) * 1000:.1f} ms), CPU ratio {cpu_ratio:.3f}",
            ratio=spread([a / h for a, h in zip(sign_in_times, hashes, strict=True)]),
            figure=f"CPU ratio {cpu_ratio:.3f}",
            target=f"CPU ratio {MAX_CPU_RATIO:g}",
            met=cpu_ratio <= MAX_CPU_RATIO,
        )
    ]
