"""The operations of Stripe Connect that payments uses: accounts of sellers, and their transfers."""

from typing import Final

import stripe
from stripe.params import TransferCreateParams, TransferCreateReversalParams, TransferListParams
from stripe.params.v2.core import (
    AccountCreateParams,
    AccountLinkCreateParams,
    AccountRetrieveParams,
)

from common.errors import BadRequest
from payments.domain.charge import Charge
from payments.domain.seller import Account
from payments.domain.stripe_objects import Transfer
from payments.stripe.client import (
    MAX_PAGE_SIZE,
    StripeClient,
    is_server_error,
    translate_stripe_errors,
)
from payments.stripe.connect_mapping import (
    Link,
    parse_account,
    parse_link,
    parse_transfer,
)
from payments.stripe.mapping import StripeObject

ACCOUNTS_PATH: Final = "/v2/core/accounts"
ACCOUNT_LINKS_PATH: Final = "/v2/core/account_links"
TRANSFERS_PATH: Final = "/v1/transfers"
BALANCE_INSUFFICIENT: Final = "balance_insufficient"
NOT_ONBOARDED: Final = "Complete your account at the payment processor first"


class TransferRefused(Exception):
    """Stripe refused a transfer or a reversal, so that no money moved."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)

    @property
    def is_temporary(self) -> bool:
        """Whether only the platform's balance has to change."""
        return self.code == BALANCE_INSUFFICIENT


class ServerFailed(Exception):
    """Stripe responded with a 5xx, which it repeats for a day under the same idempotency key."""


class Connect:
    """Calls Stripe Connect; every call may raise `StripeUnavailable`."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client

    async def create_account(self, user_id: str, *, email: str, country: str, key: str) -> Account:
        """Create an account, or return the one that was created under the same key."""
        params: AccountCreateParams = {
            "contact_email": email,
            "dashboard": "express",
            "identity": {"country": country, "entity_type": "individual"},
            "defaults": {
                "responsibilities": {
                    "fees_collector": "application",
                    "losses_collector": "application",
                }
            },
            "configuration": {
                "recipient": {
                    "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
                }
            },
            "metadata": {"userId": user_id},
            "include": ["configuration.recipient", "requirements"],
        }
        async with translate_stripe_errors():
            return parse_account(
                await self._client.post(ACCOUNTS_PATH, params, idempotency_key=key)
            )

    async def retrieve_account(self, account_id: str) -> Account:
        """Return an account."""
        params: AccountRetrieveParams = {"include": ["configuration.recipient", "requirements"]}
        async with translate_stripe_errors():
            path = f"{ACCOUNTS_PATH}/{account_id}"
            return parse_account(await self._client.get(path, params))

    async def create_onboarding_link(
        self, account_id: str, *, return_url: str, refresh_url: str
    ) -> Link:
        """Create a link, for a few minutes and one use, to where a seller completes an account."""
        params: AccountLinkCreateParams = {
            "account": account_id,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"return_url": return_url, "refresh_url": refresh_url},
            },
        }
        async with translate_stripe_errors():
            return parse_link(await self._client.post(ACCOUNT_LINKS_PATH, params))

    async def create_dashboard_link(self, account_id: str) -> Link:
        """Create a link to the seller's own pages at Stripe.

        Raises:
            BadRequest: The seller has not completed the onboarding.
        """
        path = f"/v1/accounts/{account_id}/login_links"
        async with translate_stripe_errors():
            try:
                return parse_link(await self._client.post(path, {}))
            except stripe.InvalidRequestError:
                raise BadRequest(NOT_ONBOARDED) from None

    async def find_transfer(self, charge: Charge) -> Transfer | None:
        """Return the transfer of the present round, or None if Stripe has none.

        Stripe forgets idempotency keys after a day, but it never forgets a transfer.
        """
        params: TransferListParams = {"transfer_group": charge.order_id, "limit": MAX_PAGE_SIZE}
        async with translate_stripe_errors():
            found: list[StripeObject] = (await self._client.get(TRANSFERS_PATH, params))["data"]
            transfers = [
                parse_transfer(transfer)
                for transfer in found
                if transfer["metadata"].get("chargeId") == charge.id
            ]
        in_round = charge.payout.round if charge.payout else 0
        return next((each for each in transfers if each.round == in_round), None)

    async def create_transfer(self, charge: Charge) -> Transfer:
        """Create the transfer of the present round.

        Raises:
            TransferRefused: there is no transfer.
            ServerFailed: it is not known whether there is one.
        """
        payout = charge.payout
        if payout is None or payout.account_id is None or charge.stripe_charge_id is None:
            raise TransferRefused("no_source")
        params: TransferCreateParams = {
            "amount": payout.amount,
            "currency": charge.currency,
            "destination": payout.account_id,
            "source_transaction": charge.stripe_charge_id,
            "transfer_group": charge.order_id,
            "metadata": {
                "orderId": charge.order_id,
                "chargeId": charge.id,
                "round": str(payout.round),
            },
        }
        key = f"{charge.id}:transfer:{payout.round}"
        if payout.refusals:
            key = f"{key}:{payout.refusals}"
        return parse_transfer(await self._move_money(TRANSFERS_PATH, params, key))

    async def retrieve_transfer(self, transfer_id: str) -> Transfer:
        """Return a transfer, with what of it came back."""
        async with translate_stripe_errors():
            return parse_transfer(await self._client.get(f"{TRANSFERS_PATH}/{transfer_id}"))

    async def reverse(self, charge: Charge, transfer: Transfer, amount: int) -> None:
        """Call back a part of a transfer.

        Raises:
            TransferRefused: nothing came back.
            ServerFailed: it is not known whether it did.
        """
        params: TransferCreateReversalParams = {
            "amount": amount,
            "metadata": {"orderId": charge.order_id, "chargeId": charge.id},
        }
        # What came back before is part of the key: what is left is another reversal.
        key = f"{charge.id}:reversal:{transfer.round}:{transfer.reversed}"
        await self._move_money(f"{TRANSFERS_PATH}/{transfer.id}/reversals", params, key)

    async def _move_money(
        self,
        path: str,
        params: TransferCreateParams | TransferCreateReversalParams,
        key: str,
    ) -> StripeObject:
        async with translate_stripe_errors():
            try:
                return await self._client.post(path, params, idempotency_key=key)
            except (stripe.InvalidRequestError, stripe.PermissionError) as error:
                raise TransferRefused(error.code or "refused") from None
            except stripe.APIError as error:
                if not is_server_error(error):
                    raise
                raise ServerFailed from None
