"""Accounts of sellers: create them at Stripe, bring them up to date, and list what was sold."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from common.errors import BadRequest, NotFound
from common.events import TransfersStatus
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.web.pagination import Page
from payments.domain.charge import Charge
from payments.domain.order import Order
from payments.domain.payout import HoldReason
from payments.domain.seller import Seller, new_seller
from payments.store.account_replicas import AccountReplicas
from payments.store.order_replicas import OrderReplicas
from payments.store.sales import Sales
from payments.store.sellers import SellerStore
from payments.stripe.connect import Connect
from payments.stripe.connect_mapping import Link
from payments.stripe.gateway import StripeUnavailable

log = structlog.get_logger("sellers")

RETURN_PATH: Final = "/account/earnings?from=stripe"
REFRESH_PATH: Final = "/account/earnings?again=1"
"""The links carry nothing: the page shows the account of the user who is signed in."""
PROTECTED: Final = "Your payouts wait, because your second step is being removed"


@dataclass(frozen=True, slots=True)
class Earnings:
    """A page of what a user sold. Amounts are in cents.

    Attributes:
        orders: of these sales, by their ids.
        held: what waits to be paid.
        sent: what was paid and did not come back.
        owed: what will be kept from later payouts.
    """

    sales: Page[Charge]
    orders: dict[str, Order]
    held: int
    sent: int
    owed: int


class Sellers:
    """The sellers and their accounts at Stripe."""

    def __init__(
        self,
        store: SellerStore,
        sales: Sales,
        orders: OrderReplicas,
        accounts: AccountReplicas,
        connect: Connect,
        clock: Clock,
        *,
        public_url: str,
    ) -> None:
        self._store = store
        self._sales = sales
        self._orders = orders
        self._accounts = accounts
        self._connect = connect
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    async def find(self, user_id: str) -> Seller | None:
        """Return a seller, or None."""
        return await self._store.find(user_id)

    async def has_account(self, user_id: str) -> bool:
        """Return whether a user has an account at Stripe."""
        seller = await self._store.find(user_id)
        return seller is not None and seller.stripe_account_id is not None

    async def begin_onboarding(self, user_id: str, *, email: str, country: str) -> Link:
        """Create the account of a seller, if there is none, and a link to complete it.

        The row is stored first and the key is that of the user, so that a second click, or one
        after a crash, finds the same account.

        Raises:
            BadRequest: Stripe has rejected the user, or the user's second factor is being removed.
            StripeUnavailable: Stripe did not respond.
        """
        await self._require_unprotected(user_id)
        seller = await self._store.find_or_add(new_seller(user_id, self._clock()))
        if seller.transfers is TransfersStatus.REJECTED:
            raise BadRequest("The payment processor does not accept this account")
        account_id = seller.stripe_account_id
        if account_id is None or seller.transfers is TransfersStatus.CLOSED:
            key = f"{user_id}:account" if account_id is None else f"{user_id}:account:{account_id}"
            account = await self._connect.create_account(
                user_id, email=email, country=country, key=key
            )
            now = self._clock()
            await self._store.update(user_id, lambda s: s.apply_account(account, now))
            account_id = account.id
        return await self._connect.create_onboarding_link(
            account_id,
            return_url=self._public_url + RETURN_PATH,
            refresh_url=self._public_url + REFRESH_PATH,
        )

    async def show(self, user_id: str) -> Seller | None:
        """Return a seller as Stripe knows it now, or as stored if Stripe does not respond."""
        seller = await self._store.find(user_id)
        if seller is None:
            return None
        try:
            return await self.refresh(seller)
        except StripeUnavailable:
            return seller

    async def refresh(self, seller: Seller) -> Seller:
        """Bring a seller up to date, and let payouts continue if that is possible now.

        Raises:
            StripeUnavailable: Stripe did not respond.
        """
        if seller.stripe_account_id is None:
            return seller
        account = await self._connect.retrieve_account(seller.stripe_account_id)
        now = self._clock()
        after = await self._store.update(seller.id, lambda s: s.refresh_account(account, now))
        has_become_active = (
            after.transfers is TransfersStatus.ACTIVE and seller.transfers is not after.transfers
        )
        if has_become_active:
            await self._sales.wake_frozen(seller.id, now)
        return after

    async def refresh_account(self, account_id: str) -> None:
        """Bring the seller of an account up to date. Another platform may have one, too."""
        seller = await self._store.find_by_account(account_id)
        if seller is not None:
            await self.refresh(seller)

    async def pause(self, user_id: str, *, is_paused: bool) -> Seller:
        """Hold the payouts of a seller back, or let them continue.

        Raises:
            NotFound: the user has no account.
        """
        now = self._clock()
        seller = await self._store.update(user_id, lambda s: s.pause(now, is_paused=is_paused))
        if not is_paused:
            await self._sales.wake_frozen(user_id, now)
        return seller

    async def open_dashboard(self, user_id: str) -> Link:
        """Return a link to the seller's own pages at Stripe.

        Raises:
            NotFound: the user has no account.
            BadRequest: the account is closed or not complete, or the user's second factor is being
                removed.
            StripeUnavailable: Stripe did not respond.
        """
        await self._require_unprotected(user_id)
        seller = await self._store.find(user_id)
        if seller is None or seller.stripe_account_id is None:
            raise NotFound
        if seller.transfers is TransfersStatus.CLOSED:
            raise BadRequest("This account is closed")
        return await self._connect.create_dashboard_link(seller.stripe_account_id)

    async def apply_removal(self, user_id: str, version: int, removal_at: datetime | None) -> None:
        """Record when the second factor of a user is removed, or that it is not.

        Payouts that waited for it continue, unless a newer version says that they still wait.
        """
        await self._accounts.upsert(user_id, version, removal_at)
        now = self._clock()
        if removal_at is None or removal_at <= now:
            await self._sales.wake_frozen(user_id, now, reason=HoldReason.SECOND_FACTOR_REMOVAL)

    async def protected_until(self, user_id: str) -> datetime | None:
        """Return until when nothing is paid, because the second factor is being removed.

        Somebody else may have reset the password by mail. The user has until then to cancel it.
        """
        removal_at = await self._accounts.find_removal(user_id)
        return removal_at if removal_at is not None and self._clock() < removal_at else None

    async def is_protected(self, charge: Charge) -> bool:
        """Return whether the second factor of the seller of a charge is being removed."""
        seller_id = charge.seller_id
        return seller_id is not None and await self.protected_until(seller_id) is not None

    async def _require_unprotected(self, user_id: str) -> None:
        if await self.protected_until(user_id) is not None:
            raise BadRequest(PROTECTED)

    async def list_earnings(self, user_id: str, *, limit: int, cursor: str | None) -> Earnings:
        """Return a page of what a user sold, and the totals."""
        page = await self._sales.list_by_seller(user_id, limit=limit, cursor=cursor)
        held, sent = await self._sales.totals(user_id)
        seller = await self._store.find(user_id)
        orders = await self._orders.find_many([charge.order_id for charge in page.items])
        return Earnings(page, orders, held, sent, seller.owed if seller else 0)

    async def withhold(self, charge: Charge) -> int:
        """Keep what a seller owes from a payout that is about to be made, and return it."""
        seller = await self._store.find(charge.seller_id or "")
        if seller is None or (seller.owed <= 0 and charge.debt_key not in seller.withheld):
            return 0
        now = self._clock()
        after = await self._store.update(
            seller.id, lambda s: s.withhold(charge.debt_key, charge.payable, now)
        )
        return after.withheld.get(charge.debt_key, 0)

    async def give_back(self, charge: Charge) -> None:
        """Undo what was kept from a payout that was not made."""
        now = self._clock()
        await self._store.update(
            charge.seller_id or "", lambda s: s.give_back(charge.debt_key, now)
        )

    async def has_debt(self, charge: Charge) -> bool:
        """Return whether it is recorded that a payout could not be called back."""
        seller = await self._store.find(charge.seller_id or "")
        return seller is not None and charge.debt_key in seller.debts

    async def record_debt(self, charge: Charge, amount: int) -> None:
        """Record what a payout could not call back."""
        now = self._clock()
        await self._store.update(
            charge.seller_id or "", lambda s: s.record_debt(charge.debt_key, amount, now)
        )
        log.error("transfer cannot be recalled, the seller owes it", charge=charge.id)

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Yield the current state of every seller as an event."""
        return self._store.snapshot_events(Seller.to_event)
