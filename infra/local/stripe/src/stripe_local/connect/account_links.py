"""Account links to the onboarding page, and login links to the dashboard of an account."""

from typing import Final

from stripe_local.clock import rfc3339, timestamp
from stripe_local.connect import account_state, accounts
from stripe_local.documents import PRIVATE, Document, new_id, now
from stripe_local.errors import StripeError, invalid
from stripe_local.resources.call import Call

LINK: Final = "v2.core.account_link"
LOGIN: Final = "login_link"


def create(call: Call) -> Document:
    """POST /v2/core/account_links."""
    account = accounts.find(call, call.params["account"], "account")
    account_state.require_open(account)
    use_case: Document = call.params["use_case"]
    options: Document | None = use_case.get(use_case["type"])
    if options is None:
        where = f"use_case[{use_case['type']}]"
        raise invalid(f"Missing required param: {where}.", where, "parameter_missing")
    for name in ("refresh_url", "return_url"):
        if not options.get(name, "http://").startswith(("http://", "https://")):
            raise invalid(f"Not a valid URL: {name}", f"use_case[{use_case['type']}][{name}]")
    created, secret = now(), new_id("", 32)
    expires = created + int(call.settings.account_link_seconds)
    link: Document = {
        "object": LINK,
        "account": account["id"],
        "created": rfc3339(created),
        "expires_at": rfc3339(expires),
        "livemode": False,
        "url": f"{call.settings.public_url}/_local/onboarding/{secret}",
        "use_case": {
            "type": use_case["type"],
            use_case["type"]: {
                "collection_options": options.get("collection_options"),
                "refresh_url": options["refresh_url"],
                "return_url": options.get("return_url"),
            },
        },
    }
    private = {"created": created, "expires": expires, "form": None}
    call.store.upsert({**link, "id": secret, PRIVATE: private})
    return link


def create_login(call: Call) -> Document:
    """POST /v1/accounts/{id}/login_links."""
    account = accounts.load(call)
    account_state.require_open(account)
    if account["dashboard"] != "express":
        raise StripeError(400, "Only an account with the Express Dashboard has login links.")
    if not account[PRIVATE]["onboarded"]:
        raise StripeError(
            400, "Cannot create a login link for an account that has not completed onboarding."
        )
    secret = new_id("", 32)
    link: Document = {
        "object": LOGIN,
        "created": now(),
        "url": f"{call.settings.public_url}/_local/dashboard/{secret}",
    }
    call.store.upsert({**link, "id": secret, PRIVATE: {"account_id": account["id"]}})
    return link


def options_of(link: Document) -> Document:
    """Return the addresses that an account link leads back to."""
    use_case: Document = link["use_case"]
    return use_case[use_case["type"]]


def is_valid(link: Document) -> bool:
    """Return whether an account link is neither used nor expired."""
    return link[PRIVATE]["form"] is None and timestamp() < link[PRIVATE]["expires"]
