"""Lost responses and stored errors of the calls that move a seller's money."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import stripe
from stripe import StripeClient

from stripe_local.testing import SECRET_KEY, Server

POSTS = (
    "POST /v2/core/accounts",
    "POST /v2/core/account_links",
    "POST /v1/transfers",
    "POST /v1/transfers/*/reversals",
    "POST /v1/disputes/*",
)
SELLER: dict[str, Any] = {
    "configuration": {
        "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
    }
}
ONBOARDING: dict[str, Any] = {
    "type": "account_onboarding",
    "account_onboarding": {
        "refresh_url": "http://localhost:3000/again",
        "return_url": "http://localhost:3000/done",
    },
}


class Platform:
    """Calls the API with raw requests on asyncio, as the payments service does."""

    def __init__(self, url: str, http: stripe.HTTPClient) -> None:
        self._client = StripeClient(
            SECRET_KEY, http_client=http, max_network_retries=2, base_addresses={"api": url}
        )

    async def post(self, path: str, key: str = "", **params: Any) -> dict[str, Any]:
        """Send a POST request."""
        options = {"idempotency_key": key} if key else {}
        response = await self._client.raw_request_async("post", path, **params, **options)
        return cast("dict[str, Any]", response.data)

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Send a GET request."""
        response = await self._client.raw_request_async("get", path, **params)
        return cast("dict[str, Any]", response.data)

    async def pay(self) -> str:
        """Pay an order, and return its charge."""
        intent = await self.post(
            "/v1/payment_intents",
            amount=2000,
            currency="usd",
            allowed_payment_method_types=["card"],
            confirm=True,
            payment_method="pm_card_visa",
        )
        return intent["latest_charge"]


@pytest.fixture
async def platform(server: Server) -> AsyncIterator[Platform]:
    http = stripe.AIOHTTPClient(timeout=30)
    yield Platform(server.url, http)
    await http.close_async()


async def create_seller(server: Server, platform: Platform) -> str:
    account = await platform.post("/v2/core/accounts", "u1:account", **SELLER)
    server.set_account(account["id"], "active")
    return account["id"]


def transfer_of(charge: str, seller: str) -> dict[str, Any]:
    money = {"amount": 1900, "currency": "usd"}
    return {**money, "destination": seller, "source_transaction": charge, "transfer_group": "o1"}


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_lost_responses_move_the_money_once(
    server: Server, platform: Platform, fault: str
) -> None:
    for match in POSTS:
        server.fault(match, fault)
    seller = await create_seller(server, platform)
    await platform.post("/v2/core/account_links", account=seller, use_case=ONBOARDING)
    transfer = await platform.post(
        "/v1/transfers", "c1:transfer:1", **transfer_of(await platform.pay(), seller)
    )
    await platform.post(f"/v1/transfers/{transfer['id']}/reversals", "c1:reversal:1", amount=400)
    opened = server.control("POST", "disputes", {"charge": await platform.pay()}).json()
    evidence = {"uncategorized_text": "revealed"}
    sent = await platform.post(f"/v1/disputes/{opened['id']}", "c2:evidence", evidence=evidence)

    assert server.faults() == []
    assert sent["evidence_details"]["submission_count"] == 1
    counts = {
        kind: len(server.objects(kind))
        for kind in ("v2.core.account", "v2.core.account_link", "transfer", "transfer_reversal")
    }
    assert set(counts.values()) == {1}
    found = await platform.get("/v1/transfers", transfer_group="o1")
    assert [each["amount_reversed"] for each in found["data"]] == [400]
    assert server.ledger()["accounts"][seller]["usd"] == {"available": 0, "pending": 1500}


async def test_stored_error_of_a_transfer_is_replayed(server: Server, platform: Platform) -> None:
    params = transfer_of(await platform.pay(), await create_seller(server, platform))
    server.fault("POST /v1/transfers", "status", status=500, stored=True)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await platform.post("/v1/transfers", "c1:transfer:1", **params)

    transfer = await platform.post("/v1/transfers", "c1:transfer:1:again", **params)

    assert [each["id"] for each in server.objects("transfer")] == [transfer["id"]]


async def test_error_can_be_injected_with_its_code(server: Server, platform: Platform) -> None:
    params = transfer_of(await platform.pay(), await create_seller(server, platform))
    error = {"type": "invalid_request_error", "code": "balance_insufficient", "message": "No."}
    server.fault("POST /v1/transfers", "status", status=400, error=error)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await platform.post("/v1/transfers", "c1:transfer:1", **params)

    assert refusal.value.code == "balance_insufficient"
    assert (await platform.post("/v1/transfers", "c1:transfer:1", **params))["amount"] == 1900


async def test_account_is_included_by_query(server: Server, platform: Platform) -> None:
    seller = await create_seller(server, platform)

    account = await platform.get(
        f"/v2/core/accounts/{seller}", include=["configuration.recipient", "requirements"]
    )

    balance = account["configuration"]["recipient"]["capabilities"]["stripe_balance"]
    assert balance["stripe_transfers"] == {"status": "active", "status_details": []}
    assert account["requirements"]["entries"] == []
