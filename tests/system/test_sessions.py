"""Sessions across all services."""

import pytest

from common.testing.polling import eventually
from support.api_user import SignUp
from support.system import System
from ticketing_local.api_user import PASSWORD, ApiUser

PROTECTED_PATHS = {
    "auth": "/api/users/sessions",
    "tickets": "/api/tickets/mine",
    "orders": "/api/orders",
    "payments": "/api/payments?orderId=0123456789abcdef01234567",
}
"""A path of each service that needs a session."""


async def _statuses(user: ApiUser) -> dict[str, int]:
    status_lists = {
        service: [(await user.request("GET", path)).status_code for _ in range(2)]  # each replica
        for service, path in PROTECTED_PATHS.items()
    }
    return {service: max(statuses) for service, statuses in status_lists.items()}


SIGNED_IN = {"auth": 200, "tickets": 200, "orders": 200, "payments": 404}
UNAUTHORIZED_EVERYWHERE = dict.fromkeys(PROTECTED_PATHS, 401)


async def _is_unauthorized_everywhere(user: ApiUser) -> bool:
    return await _statuses(user) == UNAUTHORIZED_EVERYWHERE


async def test_ended_session_is_rejected_by_every_service(system: System, sign_up: SignUp) -> None:
    user = await sign_up("user")
    attacker = ApiUser(system.address, user.email)
    attacker.http.cookies = user.http.cookies  # pyright: ignore[reportAttributeAccessIssue] - httpx copies
    assert await _statuses(attacker) == SIGNED_IN
    await user.request_ok("POST", "/api/users/signout", {})

    async def is_rejected() -> bool:
        return await _is_unauthorized_everywhere(attacker)

    await eventually(is_rejected)
    await attacker.close()


async def test_one_of_several_sessions_can_be_revoked(system: System, sign_up: SignUp) -> None:
    browser = await sign_up("user")
    phone = ApiUser(system.address, browser.email)
    await phone.request_ok(
        "POST", "/api/users/signin", {"email": browser.email, "password": PASSWORD}
    )
    sessions = await browser.request_ok("GET", "/api/users/sessions")
    (other,) = [session["id"] for session in sessions if not session["current"]]
    await browser.request_ok("DELETE", f"/api/users/sessions/{other}", expect=204)

    async def is_rejected() -> bool:
        return await _is_unauthorized_everywhere(phone)

    await eventually(is_rejected)
    assert await _statuses(browser) == SIGNED_IN
    await phone.close()


async def test_session_continues_after_refresh(seller: ApiUser, buyer: ApiUser) -> None:
    order = await buyer.order(await seller.sell())
    before = dict(buyer.http.cookies)
    await buyer.request_ok("POST", "/api/users/refresh", {})
    assert dict(buyer.http.cookies)["refresh"] != before["refresh"]
    await buyer.pay(order)
    del buyer.http.cookies["session"]
    assert (await buyer.request("GET", "/api/orders")).status_code == 401
    await buyer.request_ok("POST", "/api/users/refresh", {})
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")


@pytest.mark.nightly
async def test_signing_key_rotation_keeps_sessions(system: System, sign_up: SignUp) -> None:
    user = await sign_up("user")
    with_key = [name for service in PROTECTED_PATHS for name in system.replicas_of(service)]
    old = system.processes["auth"].program.environment["JWT_KEY"]
    try:
        system.restart(with_key, {"JWT_KEY": old[::-1], "JWT_KEY_PREVIOUS": old})
        assert await _statuses(user) == SIGNED_IN
        await user.request_ok("POST", "/api/users/refresh", {})
        latecomer = await sign_up("latecomer")
        assert await _statuses(user) == SIGNED_IN
        assert await _statuses(latecomer) == SIGNED_IN
    finally:
        system.restart(with_key)
    assert await _statuses(user) == UNAUTHORIZED_EVERYWHERE, (
        "a removed signing key is still accepted"
    )
    await user.request_ok("POST", "/api/users/refresh", {})
    assert await _statuses(user) == SIGNED_IN
