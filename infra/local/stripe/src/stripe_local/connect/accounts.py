"""Connected accounts, version 2 of the API: sellers who receive transfers."""

from typing import Any

from stripe_local.clock import rfc3339
from stripe_local.connect import account_state
from stripe_local.connect.account_state import KIND, RESTRICTED
from stripe_local.documents import PRIVATE, Document, new_id, now, nulls
from stripe_local.errors import StripeError, invalid, missing
from stripe_local.resources.call import Call, merge_metadata

# What a response shows only if the call asks for it.
_INCLUDABLE = ("defaults", "future_requirements", "identity", "requirements")


def create(call: Call) -> Document:
    """POST /v2/core/accounts."""
    params = call.params
    recipient = _recipient(params)
    account = merge_metadata(_new(params, is_recipient=recipient is not None), params)
    account[PRIVATE]["requested"] = _requests_transfers(recipient)
    account_state.refresh(account)
    call.store.upsert(account)
    call.events.emit_thin("v2.core.account.created", account, call.cause)
    return _visible(account, params)


def retrieve(call: Call) -> Document:
    """GET /v2/core/accounts/{id}."""
    return _visible(load(call), call.params)


def update(call: Call) -> Document:
    """POST /v2/core/accounts/{id}."""
    account, params = load(call), call.params
    account_state.require_open(account)
    recipient = _recipient(params)
    account |= {name: params[name] for name in ("contact_email", "display_name") if name in params}
    merge_metadata(account, params)
    if recipient is not None:
        account["applied_configurations"] = ["recipient"]
        account["configuration"]["recipient"]["applied"] = True
    requested = _requests_transfers(recipient) or account[PRIVATE]["requested"]
    account_state.change(call, account, requested=requested)
    call.events.emit_thin("v2.core.account.updated", account, call.cause)
    return _visible(account, params)


def close(call: Call) -> Document:
    """POST /v2/core/accounts/{id}/close."""
    account = load(call)
    account_state.require_open(account)
    if any(each.available or each.pending for each in call.ledger.balances(account["id"]).values()):
        raise StripeError(
            400, "An account with a balance that is not zero cannot be closed.", "cannot_proceed"
        )
    account["closed"] = True
    account[PRIVATE]["due"] = None
    call.store.upsert(account)
    call.events.emit_thin("v2.core.account.closed", account, call.cause)
    return _visible(account, {})


def load(call: Call) -> Document:
    """Return the account with the id in the path."""
    account = call.store.get(call.id, KIND)
    if account is None:
        raise missing("account", call.id)
    return account


def retrieve_event(call: Call) -> Document:
    """GET /v2/core/events/{id}."""
    event = call.load_object("v2.core.event")
    return {**event, "data": event[PRIVATE]["data"]}


def find(call: Call, account_id: str, param: str) -> Document:
    """Return the account that a parameter names."""
    account = call.store.get(account_id, KIND)
    if account is None:
        raise missing(param, account_id, param, 400)
    return account


def _recipient(params: Document) -> Document | None:
    """Return the configuration as a recipient, if a call has one."""
    configuration: Document = params.get("configuration") or {}
    recipient: Document | None = configuration.get("recipient")
    capabilities: Document = (recipient or {}).get("capabilities") or {}
    for name in (
        *(configuration.keys() - {"recipient"}),
        *(capabilities.keys() - {"stripe_balance"}),
    ):
        raise invalid(f"This local server does not implement the parameter {name}.", name)
    return recipient


def _requests_transfers(recipient: Document | None) -> bool:
    capabilities: Document = (recipient or {}).get("capabilities") or {}
    balance: Document = capabilities.get("stripe_balance") or {}
    transfers: Document = balance.get("stripe_transfers") or {}
    return bool(transfers.get("requested"))


def _visible(account: Document, params: Document) -> Document:
    include: list[str] = params.get("include") or []
    configuration: Document = {
        name: value if f"configuration.{name}" in include else None
        for name, value in account["configuration"].items()
    }
    hidden = {name: None for name in _INCLUDABLE if name not in include}
    is_shown = any(configuration.values())
    return {**account, **hidden, "configuration": configuration if is_shown else None}


def _new(params: Document, *, is_recipient: bool) -> Document:
    created = now()
    defaults: Document = params.get("defaults") or {}
    responsibilities: Document = defaults.get("responsibilities") or {}
    identity: Document = params.get("identity") or {}
    recipient = {
        "applied": is_recipient,
        "capabilities": {"bank_accounts": None, "cards": None, "stripe_balance": None},
    }
    private: dict[str, Any] = {
        "created": created,
        "transfers": RESTRICTED,
        "onboarded": False,
        "bank": None,
        "bank_failed": False,
        "due": None,
    }
    return {
        "id": new_id("acct_1", 16),
        "object": KIND,
        "applied_configurations": ["recipient"] if is_recipient else [],
        "closed": False,
        "configuration": {"customer": None, "merchant": None, "recipient": recipient},
        "contact_email": params.get("contact_email"),
        "contact_phone": None,
        "created": rfc3339(created),
        "dashboard": params.get("dashboard", "none"),
        "defaults": {
            "currency": defaults.get("currency", "usd"),
            "locales": defaults.get("locales"),
            "payout_methods": None,
            "profile": defaults.get("profile"),
            "responsibilities": {
                "fees_collector": responsibilities.get("fees_collector", "application"),
                "losses_collector": responsibilities.get("losses_collector", "application"),
                "requirements_collector": "stripe",
            },
        },
        "display_name": params.get("display_name"),
        "future_requirements": {"alternatives": None, "entries": [], "summary": None},
        "identity": {
            "country": identity.get("country"),
            "entity_type": identity.get("entity_type"),
            **nulls("attestations", "business_details", "individual"),
        },
        "livemode": False,
        "metadata": {},
        PRIVATE: private,
    }
