"""Objects have the required fields of the SDK's annotations, and no others."""

import builtins
import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any, ClassVar, Union, cast, get_args, get_origin, get_type_hints

import pytest
import stripe
from stripe.params.v2.core._account_create_params import (
    AccountCreateParamsConfigurationRecipientCapabilities,
)
from stripe.v2.core import Account

from stripe_local.documents import Document
from stripe_local.testing import Server, WebhookReceiver

CLASSES: dict[str, type] = {
    "token": stripe.Token,
    "payment_method": stripe.PaymentMethod,
    "confirmation_token": stripe.ConfirmationToken,
    "payment_intent": stripe.PaymentIntent,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "balance_transaction": stripe.BalanceTransaction,
    "dispute": stripe.Dispute,
    "payout": stripe.Payout,
    "transfer": stripe.Transfer,
    "transfer_reversal": stripe.TransferReversal,
    "v2.core.account": Account,
    "event": stripe.Event,
    "webhook_endpoint": stripe.WebhookEndpoint,
}
TRANSFERS: AccountCreateParamsConfigurationRecipientCapabilities = {
    "stripe_balance": {"stripe_transfers": {"requested": True}}
}
# Present in some responses only, which the SDK's types do not express.
OPTIONAL_FIELDS = {"deleted", "secret"}


@pytest.fixture
def objects(server: Server, receiver: WebhookReceiver) -> dict[str, list[Document]]:
    client = server.client()
    client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    card = {"card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2040"}
    server.post_as_browser("/v1/tokens", **card)
    client.v1.test_helpers.confirmation_tokens.create({"payment_method": "pm_card_visa"})
    account = client.v2.core.accounts.create(
        {"configuration": {"recipient": {"capabilities": TRANSFERS}}, "dashboard": "express"}
    )
    server.set_account(account.id, "active")
    intent = client.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "payment_method": "pm_card_bypassPending",
        }
    )
    transfer = client.v1.transfers.create(
        {"amount": 100, "currency": "usd", "destination": account.id}
    )
    client.v1.transfers.reversals.create(transfer.id, {"amount": 50})
    client.v1.payouts.create({"amount": 100, "currency": "usd"})
    server.control("POST", "disputes", {"charge": intent.latest_charge})
    for method in ("visa", "authenticationRequired", "chargeDeclined"):
        intent = client.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
        try:
            intent = client.v1.payment_intents.confirm(
                intent.id, {"payment_method": f"pm_card_{method}", "use_stripe_sdk": True}
            )
        except stripe.CardError:
            continue
        if intent.status == "requires_action":
            server.answer_challenge(intent, "success")
        client.v1.refunds.create({"payment_intent": intent.id})
    return {kind: server.objects(kind) for kind in CLASSES}


@pytest.mark.parametrize("kind", CLASSES)
def test_objects_match_the_sdk_annotations(objects: dict[str, list[Document]], kind: str) -> None:
    assert objects[kind]
    for document in objects[kind]:
        assert list(differences(document, CLASSES[kind], kind)) == []


def differences(document: Document, shape: type, path: str) -> Iterator[str]:
    hints = fields(shape)
    for name in document.keys() - hints.keys():
        yield f"{path}.{name} is not in the SDK"
    for name, hint in hints.items():
        options = members(hint)
        if name not in document:
            if type(None) not in options and name not in OPTIONAL_FIELDS:
                yield f"{path}.{name} is missing"
            continue
        inner = document[name]
        nested = next((each for each in options if is_object(each)), None)
        if isinstance(inner, dict) and nested:
            yield from differences(cast("Document", inner), nested, f"{path}.{name}")
        elif inner is None and type(None) not in options:
            yield f"{path}.{name} is null"


class Names(dict[str, Any]):
    """Names for annotations; a class imported only for type checkers becomes `object`."""

    def __missing__(self, name: str) -> type:
        return object


def fields(shape: type) -> dict[str, Any]:
    """Return the annotations of a class, which may name nested and enclosing classes."""
    outer: Any = sys.modules[shape.__module__]
    names = Names({**vars(builtins), **vars(outer)})
    for part in shape.__qualname__.split("."):
        outer = getattr(outer, part)
        inside = cast("dict[str, Any]", vars(outer))
        names |= {name: each for name, each in inside.items() if inspect.isclass(each)}
    own = types.SimpleNamespace(__annotations__=shape.__annotations__)
    hints = get_type_hints(own, {}, names)
    return {name: hint for name, hint in hints.items() if get_origin(hint) is not ClassVar}


def members(hint: Any) -> list[Any]:
    if get_origin(hint) in {Union, types.UnionType}:
        return [option for member in get_args(hint) for option in members(member)]
    return [hint]


def is_object(hint: Any) -> bool:
    return inspect.isclass(hint) and issubclass(hint, stripe.StripeObject)
