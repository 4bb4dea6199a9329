"""The pages that Stripe hosts: onboarding and the dashboard of a connected account."""

from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from stripe_local.connect import account_state, payouts
from stripe_local.connect.account_links import LINK, LOGIN, is_valid, options_of
from stripe_local.documents import PRIVATE, Document, new_id
from stripe_local.ledger import Balance
from stripe_local.resources.call import Call

_HEADERS: Final = {
    "Cache-Control": "no-store",
    # Without `form-action`, because the form is answered by a redirect to the application.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
}
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>body{{font:1rem/1.5 system-ui;max-width:32rem;margin:2rem auto;padding:0 1rem}}
button,select{{font:inherit;padding:.5rem 1rem;margin:.25rem 0;display:block}}</style>
</head><body><main><h1>{title}</h1>{content}</main></body></html>"""
_FORM: Final = """<p>This local page stands for Stripe's own. Account {account}.</p>
<form method="post"><input type="hidden" name="form" value="{form}">
<p><label for="bank">Bank account</label>
<select id="bank" name="bank"><option value="000123456789">ending in 6789: payouts arrive</option>
<option value="000111111116">ending in 1116: payouts fail</option></select></p>
<button name="outcome" value="complete">Complete onboarding</button>
<button name="outcome" value="pending">Complete, and let Stripe verify it</button>
<button name="outcome" value="leave">Leave without completing</button>
<button name="outcome" value="reject">Be rejected by Stripe</button></form>"""
_STATES: Final = {
    "complete": account_state.ACTIVE,
    "pending": account_state.PENDING,
    "reject": account_state.REJECTED,
}
_SEE_OTHER: Final = 303


class HostedPages:
    """The pages, which nobody reaches without the secret in their address."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        return [
            Route("/_local/onboarding/{secret}", self._show_onboarding, methods=["GET"]),
            Route("/_local/onboarding/{secret}", self._submit_onboarding, methods=["POST"]),
            Route("/_local/dashboard/{secret}", self._show_dashboard, methods=["GET"]),
        ]

    async def _show_onboarding(self, request: Request) -> Response:
        """Return the form once; a link that was used or has expired leads back."""
        store = self._call.store
        link = store.get(request.path_params["secret"], LINK)
        if link is None:
            return Response(status_code=404)
        if not is_valid(link):
            return _redirect(options_of(link)["refresh_url"])
        link[PRIVATE]["form"] = new_id("", 32)
        with store.transaction():
            store.upsert(link)
        form = _FORM.format(account=escape(link["account"]), form=link[PRIVATE]["form"])
        return _page("Set up payouts", form)

    async def _submit_onboarding(self, request: Request) -> Response:
        fields = parse_qs((await request.body()).decode(errors="replace"))
        given = {name: values[0] for name, values in fields.items()}
        link = self._call.store.get(request.path_params["secret"], LINK)
        if link is None or not given.get("form") or given["form"] != link[PRIVATE]["form"]:
            return Response(status_code=404)
        options = options_of(link)
        link[PRIVATE]["form"] = ""
        with self._call.store.transaction():
            self._call.store.upsert(link)
            self._apply(link, given)
        return _redirect(options["return_url"] or options["refresh_url"])

    def _apply(self, link: Document, given: Mapping[str, str]) -> None:
        account = self._call.store.get(link["account"], account_state.KIND)
        if account is None or account["closed"]:
            return
        self._call.events.emit_thin(
            "v2.core.account_link.returned",
            account,
            self._call.cause,
            {
                "account_id": account["id"],
                "configurations": ["recipient"],
                "use_case": link["use_case"]["type"],
            },
        )
        state = _STATES.get(given.get("outcome", ""))
        is_rejected = account[PRIVATE]["transfers"] == account_state.REJECTED
        if state and not is_rejected:
            bank = given.get("bank", account_state.WORKING_BANK)
            changes = {"transfers": state, "onboarded": True, "bank": bank, "bank_failed": False}
            account_state.change(self._call, account, **changes)
            payouts.schedule(self._call, account)

    async def _show_dashboard(self, request: Request) -> Response:
        link = self._call.store.get(request.path_params["secret"], LOGIN)
        if link is None:
            return Response(status_code=404)
        account: str = link[PRIVATE]["account_id"]
        rows = "".join(
            _row(currency, balance)
            for currency, balance in self._call.ledger.balances(account).items()
        )
        return _page("Payouts", f"<p>Account {escape(account)}</p>{rows or '<p>No money yet.</p>'}")


def _row(currency: str, balance: Balance) -> str:
    return f"<p>{currency.upper()}: {balance.available} available, {balance.pending} pending</p>"


def _page(title: str, content: str) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=title, content=content), headers=_HEADERS)


def _redirect(url: str) -> RedirectResponse:
    return RedirectResponse(url, _SEE_OTHER, {"Cache-Control": "no-store"})
