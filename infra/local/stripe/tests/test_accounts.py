"""Connected accounts of version 2: creation, onboarding, states and thin events."""

import re
from typing import Any, cast

import httpx
import pytest
import stripe
from stripe import StripeClient
from stripe.params.v2.core import AccountCreateParams
from stripe.v2.core import Account

from stripe_local.testing import SECRET_KEY, Server, WebhookReceiver
from ticketing_local.testing.polling import wait_until

SELLER: AccountCreateParams = {
    "contact_email": "seller@example.com",
    "display_name": "A seller",
    "dashboard": "express",
    "configuration": {
        "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
    },
    "defaults": {
        "currency": "usd",
        "responsibilities": {"fees_collector": "application", "losses_collector": "application"},
    },
    "include": ["configuration.recipient", "defaults", "identity", "requirements"],
    "metadata": {"userId": "u1"},
}
RETURN_URL = "http://localhost:3000/sell/paid"
REFRESH_URL = "http://localhost:3000/sell/again"


def transfers_status(account: Account) -> str:
    """Return the status of the capability to receive transfers."""
    assert account.configuration
    assert account.configuration.recipient
    assert account.configuration.recipient.capabilities
    balance = account.configuration.recipient.capabilities.stripe_balance
    assert balance
    assert balance.stripe_transfers
    return balance.stripe_transfers.status


def link_to(client: StripeClient, account: Account) -> str:
    return client.v2.core.account_links.create(
        {
            "account": account.id,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"refresh_url": REFRESH_URL, "return_url": RETURN_URL},
            },
        }
    ).url


def submit(url: str, outcome: str, **fields: str) -> httpx.Response:
    found = re.search(r'name="form" value="(\w+)"', httpx.get(url).text)
    assert found
    return httpx.post(url, data={"form": found[1], "outcome": outcome, **fields})


@pytest.fixture
def account(client: StripeClient) -> Account:
    return client.v2.core.accounts.create(SELLER)


def retrieve(client: StripeClient, account: Account) -> Account:
    return client.v2.core.accounts.retrieve(
        account.id, {"include": ["configuration.recipient", "requirements"]}
    )


def test_account_is_created_restricted(account: Account) -> None:
    assert account.object == "v2.core.account"
    assert account.applied_configurations == ["recipient"]
    assert (account.metadata or {})["userId"] == "u1"
    assert transfers_status(account) == "restricted"
    assert account.requirements
    assert account.requirements.summary
    assert account.requirements.summary.minimum_deadline
    assert account.requirements.summary.minimum_deadline.status == "currently_due"


def test_what_is_not_included_is_null(client: StripeClient, account: Account) -> None:
    plain = client.v2.core.accounts.retrieve(account.id)

    assert (plain.configuration, plain.requirements, plain.identity, plain.defaults) == (None,) * 4


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("complete", "active"),
        ("pending", "pending"),
        ("leave", "restricted"),
        ("reject", "rejected"),
    ],
)
def test_onboarding_page_leads_back_with_its_outcome(
    client: StripeClient, account: Account, outcome: str, status: str
) -> None:
    answer = submit(link_to(client, account), outcome)

    assert (answer.status_code, answer.headers["location"]) == (303, RETURN_URL)
    assert transfers_status(retrieve(client, account)) == status


def test_account_link_works_once(client: StripeClient, account: Account) -> None:
    url = link_to(client, account)
    httpx.get(url)

    again = httpx.get(url)

    assert (again.status_code, again.headers["location"]) == (303, REFRESH_URL)


def test_account_link_expires(server: Server, client: StripeClient, account: Account) -> None:
    url = link_to(client, account)
    server.move_clock(301)

    assert httpx.get(url).headers["location"] == REFRESH_URL


def test_onboarding_without_its_form_is_refused(client: StripeClient, account: Account) -> None:
    url = link_to(client, account)

    assert httpx.post(url, data={"outcome": "complete"}).status_code == 404
    assert httpx.post(url, data={"outcome": "complete", "form": "guessed"}).status_code == 404
    assert transfers_status(retrieve(client, account)) == "restricted"


def test_login_link_opens_the_dashboard_of_an_onboarded_account(
    server: Server, client: StripeClient, account: Account
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="completed onboarding"):
        client.v1.accounts.login_links.create(account.id)
    server.set_account(account.id, "active")

    link = client.v1.accounts.login_links.create(account.id)

    assert account.id in httpx.get(link.url).text
    assert httpx.get(f"{server.url}/_local/dashboard/guessed").status_code == 404


def test_account_is_updated_and_closed(
    server: Server, client: StripeClient, account: Account
) -> None:
    client.v2.core.accounts.update(
        account.id, {"display_name": "Another name", "metadata": {"userId": None, "a": "b"}}
    )
    (updated,) = server.objects("v2.core.account")
    assert (updated["display_name"], updated["metadata"]) == ("Another name", {"a": "b"})

    assert client.v2.core.accounts.close(account.id).closed
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        link_to(client, account)
    assert refusal.value.code == "account_closed"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"dashboard": "none of them"}, "dashboard"),
        ({"configuration": {"recipient": {"capabilities": {"gold": {}}}}}, None),
        ({"configuration": {"merchant": {}}}, "merchant"),
        ({"account_token": "at_1"}, "account_token"),
        ({"display_name": 5}, "display_name"),
        ([], None),
    ],
)
def test_invalid_json_parameter_is_refused(server: Server, body: Any, param: str | None) -> None:
    answer = httpx.post(f"{server.url}/v2/core/accounts", json=body, auth=(SECRET_KEY, ""))

    assert answer.status_code == 400
    assert param in {None, answer.json()["error"].get("param")}
    assert server.objects("v2.core.account") == []


def test_key_in_a_json_body_is_no_api_key_of_the_server(server: Server) -> None:
    assert httpx.post(f"{server.url}/v2/core/accounts", json={"key": 5}).status_code == 401


def test_call_of_version_2_that_failed_runs_again_under_its_key(
    server: Server, client: StripeClient
) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "u1:account"}
    server.fault("POST /v2/core/accounts", "status", status=500, stored=True)
    server.fault("POST /v2/core/accounts", "drop_after")
    with pytest.raises(stripe.APIError):
        client.v2.core.accounts.create(SELLER, options)
    with pytest.raises(stripe.APIConnectionError):
        client.v2.core.accounts.create(SELLER, options)

    account = client.v2.core.accounts.create(SELLER, options)

    assert [each["id"] for each in server.objects("v2.core.account")] == [account.id]


def test_thin_events_name_the_account(client: StripeClient, receiver: WebhookReceiver) -> None:
    endpoint = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    account = client.v2.core.accounts.create(SELLER)
    submit(link_to(client, account), "complete")
    capability = "v2.core.account[configuration.recipient].capability_status_updated"
    expected = {
        capability,
        "v2.core.account[requirements].updated",
        "v2.core.account_link.returned",
        "v2.core.account.created",
    }
    wait_until(lambda: expected <= set(receiver.types()))

    body, signature = next(each for each in receiver.received if capability in each[0].decode())
    notification = client.parse_event_notification(body, signature, endpoint.secret or "")
    assert notification.type == capability
    related = cast("Any", notification).related_object
    assert (related.id, related.type) == (account.id, "v2.core.account")
    assert cast("Any", notification).fetch_related_object().id == account.id
    event = cast("Any", notification).fetch_event()
    assert event.data.updated_capability.startswith("stripe_balance.")


def test_control_route_changes_the_state_of_an_account(
    server: Server, client: StripeClient, account: Account
) -> None:
    for state in ("active", "pending", "restricted", "rejected"):
        server.set_account(account.id, state)
        assert transfers_status(retrieve(client, account)) == state

    assert server.control("POST", f"accounts/{account.id}", {"transfers": "x"}).status_code == 400
    assert server.control("POST", "accounts/acct_none", {"transfers": "active"}).status_code == 404


def test_connected_account_is_named_by_a_header(client: StripeClient, account: Account) -> None:
    options: stripe.RequestOptions = {"stripe_account": account.id}
    assert client.v1.balance.retrieve(options=options).available[0].amount == 0

    for unknown in ("acct_none", client.v2.core.accounts.close(account.id).id):
        with pytest.raises(stripe.PermissionError) as refusal:
            client.v1.balance.retrieve(options={"stripe_account": unknown})
        assert refusal.value.error
        assert refusal.value.error.code == "account_invalid"
