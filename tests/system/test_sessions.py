"""Sessions, as every service sees them."""

from common.testing.plugin import eventually
from support.api_user import PASSWORD, Arrive, Person
from support.system import System

OF_EACH_SERVICE = {
    "auth": "/api/users/sessions",
    "tickets": "/api/tickets/mine",
    "orders": "/api/orders",
    "payments": "/api/payments?orderId=0123456789abcdef01234567",
}
"""A question that each service answers only to somebody who is signed in."""


async def _statuses(person: Person) -> dict[str, int]:
    asked = {
        service: [(await person.send("GET", path)).status_code for _ in range(2)]  # each replica
        for service, path in OF_EACH_SERVICE.items()
    }
    return {service: max(statuses) for service, statuses in asked.items()}


SIGNED_IN = {"auth": 200, "tickets": 200, "orders": 200, "payments": 404}
REFUSED = dict.fromkeys(OF_EACH_SERVICE, 401)


async def _refused_everywhere(person: Person) -> bool:
    return await _statuses(person) == REFUSED


async def test_every_service_hears_that_a_session_has_ended(system: System, arrive: Arrive) -> None:
    person = await arrive("somebody")
    thief = Person(system.address, person.email)
    thief.http.cookies = person.http.cookies  # pyright: ignore[reportAttributeAccessIssue] - httpx copies
    assert await _statuses(thief) == SIGNED_IN
    await person.ask("POST", "/api/users/signout", {})

    async def refused() -> bool:
        return await _refused_everywhere(thief)

    await eventually(refused)
    await thief.leave()


async def test_one_of_several_sessions_can_be_ended(system: System, arrive: Arrive) -> None:
    here = await arrive("somebody")
    phone = Person(system.address, here.email)
    await phone.ask("POST", "/api/users/signin", {"email": here.email, "password": PASSWORD})
    sessions = await here.ask("GET", "/api/users/sessions")
    (other,) = [session["id"] for session in sessions if not session["current"]]
    await here.ask("DELETE", f"/api/users/sessions/{other}", expect=204)

    async def refused() -> bool:
        return await _refused_everywhere(phone)

    await eventually(refused)
    assert await _statuses(here) == SIGNED_IN
    await phone.leave()


async def test_a_visit_goes_on_over_a_refresh(seller: Person, buyer: Person) -> None:
    order = await buyer.order(await seller.sell())
    before = dict(buyer.http.cookies)
    await buyer.ask("POST", "/api/users/refresh", {})
    assert dict(buyer.http.cookies)["refresh"] != before["refresh"]
    await buyer.pay(order)
    del buyer.http.cookies["session"]
    assert (await buyer.send("GET", "/api/orders")).status_code == 401
    await buyer.ask("POST", "/api/users/refresh", {})
    await buyer.sees(f"/api/orders/{order['id']}", status="complete")


async def test_the_signing_key_can_be_changed_without_signing_anyone_out(
    system: System, arrive: Arrive
) -> None:
    person = await arrive("somebody")
    with_key = [name for service in OF_EACH_SERVICE for name in system.replicas_of(service)]
    old = system.processes["auth"].program.environment["JWT_KEY"]
    try:
        system.restart(with_key, {"JWT_KEY": old[::-1], "JWT_KEY_PREVIOUS": old})
        assert await _statuses(person) == SIGNED_IN
        await person.ask("POST", "/api/users/refresh", {})
        latecomer = await arrive("latecomer")
        assert await _statuses(person) == SIGNED_IN
        assert await _statuses(latecomer) == SIGNED_IN
    finally:
        system.restart(with_key)
    assert await _statuses(person) == REFUSED, "a key that is not known any more is believed"
    await person.ask("POST", "/api/users/refresh", {})
    assert await _statuses(person) == SIGNED_IN
