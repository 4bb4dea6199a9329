"""The operator commands for dead letters, republishing state and suspensions."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator

import nats
import pytest
from nats.aio.client import Client

from common.testing.polling import eventually
from support.system import System
from ticketing_local.api_user import ApiUser
from ticketing_local.stack import environment, nats_set_up

BY_ANN = ("--actor", "ann", "--reason", "sold elsewhere")
POISON = b'{"id": "no id", "version": \xff}'


@pytest.fixture
async def nats_client(system: System) -> AsyncGenerator[Client]:
    client = await nats.connect(system.nats)
    yield client
    await client.close()


def _run_admin_command(
    system: System, service: str, command: str, *options: str
) -> subprocess.CompletedProcess[str]:
    env = system.processes[service].program.environment
    return subprocess.run(
        [sys.executable, "-m", "common.operations.cli", service, command, *options],
        input=system.secrets.read(nats_set_up.secret_name(nats_set_up.OPERATOR)),
        env={
            **environment.select(os.environ, *environment.BASE_VARIABLES, "PYTHONPATH"),
            **env,
            "LOG_LEVEL": "ERROR",
        },
        capture_output=True,
        text=True,
        check=False,
    )


async def test_poison_message_is_dead_lettered_and_blocks_nothing(
    system: System, seller: ApiUser, buyer: ApiUser, nats_client: Client
) -> None:
    js = nats_client.jetstream()
    headers = {"Nats-Msg-Id": "poison", "ce-subject": "poison"}
    await js.publish("ticket.updated", POISON, headers=headers)
    order = await buyer.order(await seller.sell())
    await buyer.pay(order)

    async def is_dead_lettered() -> bool:
        return (await js.stream_info("dead-letters")).state.messages > 0

    await eventually(is_dead_lettered)
    listed = _run_admin_command(system, "orders", "dead-letters", "--password-stdin")
    assert listed.returncode == 0, listed.stderr
    assert "orders-tickets  ticket.updated  invalid  after 1" in listed.stdout
    replayed = _run_admin_command(system, "orders", "replay", "--password-stdin")
    assert "0 replayed, 1 still fail" in replayed.stdout
    assert replayed.returncode == 1
    others = _run_admin_command(system, "tickets", "dead-letters", "--password-stdin")
    assert "0 dead letters" in others.stdout
    await js.purge_stream("dead-letters")


async def test_rebuild_changes_no_correct_state(
    system: System, seller: ApiUser, buyer: ApiUser
) -> None:
    order = await buyer.order(await seller.sell())
    await buyer.pay(order)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
    for service in ("tickets", "orders", "expiration", "payments", "auth"):
        done = _run_admin_command(system, service, "republish-state")
        assert done.returncode == 0, done.stderr
        assert "states published" in done.stdout
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
    await buyer.wait_for(
        f"/api/tickets/{order['ticket']['id']}", status="sold", orderId=order["id"]
    )


async def test_refund_by_an_operator_needs_no_offer_and_is_recorded(
    system: System, seller: ApiUser, buyer: ApiUser
) -> None:
    order = await buyer.order(await seller.sell())
    unpaid = _run_admin_command(system, "orders", "refund", order["id"], *BY_ANN)
    assert (unpaid.returncode, unpaid.stdout) == (1, "Nothing was changed: Order is not paid\n")
    await buyer.pay(order)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")

    done = _run_admin_command(system, "orders", "refund", order["id"], *BY_ANN)

    assert done.returncode == 0, done.stderr
    await buyer.wait_for(f"/api/orders/{order['id']}", outcome="refunded")
    audit = _run_admin_command(system, "orders", "audit", order["id"])
    assert "operator ann: sold elsewhere" in audit.stdout


async def test_suspended_account_can_do_nothing_new_in_any_service(
    system: System, seller: ApiUser, buyer: ApiUser
) -> None:
    ticket = await seller.sell()
    order = await buyer.order(ticket)
    command = ("suspend", buyer.email, "--actor", "ann", "--reason", "You sold a ticket twice.")
    done = _run_admin_command(system, "auth", *command)
    assert done.returncode == 0, done.stdout + done.stderr

    async def is_signed_out() -> bool:
        each_replica = [await buyer.request("GET", "/api/orders") for _ in range(2)]
        return {response.status_code for response in each_replica} == {401}

    await eventually(is_signed_out)
    await buyer.request_ok("POST", "/api/users/signin", buyer.credentials)
    refused = [
        await buyer.request("POST", "/api/tickets", {"title": "Front row", "price": 20}),
        await buyer.request("POST", "/api/orders", {"ticketId": ticket["id"]}),
        await buyer.request("POST", "/api/payments", {"orderId": order["id"], "token": "tok_visa"}),
    ]
    assert [response.status_code for response in refused] == [403] * 3
    orders = await buyer.request_ok("GET", "/api/orders")
    assert [one["id"] for one in orders] == [order["id"]]
