"""The payouts of two sales of one seller: the code of payments on stores and a Stripe in memory."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import SecretStr

from common.change import Change
from common.events import ChargeStatus, PayoutState, TransfersStatus
from payments.disputes import Disputes
from payments.domain.charge import Charge, charge_id_of
from payments.domain.order import PaymentPolicy
from payments.domain.payout import Payout
from payments.domain.seller import Account, new_seller
from payments.payouts import Payouts
from payments.sellers import Sellers
from payments.stripe.client import StripeUnavailable
from payments.stripe.connect import Connect
from payments.stripe.disputes import DisputeApi
from payments.stripe.gateway import Gateway
from payments.sync import ChargeSync
from property.payout_stripe import PayoutStripe
from property.steps import Steps

BEGIN: Final = datetime(2030, 1, 1, tzinfo=UTC)
POLICY: Final = PaymentPolicy(fee_basis_points=500)
SELLER: Final = "5" * 24
ACCOUNT: Final = "acct_1"
AMOUNT: Final = 2_000
NET: Final = 1_900


class MemoryStore:
    """A store with the writes of the real one, each in one step."""

    def __init__(self, steps: Steps) -> None:
        self.all: dict[str, Any] = {}
        self._steps = steps

    async def find(self, key: str) -> Any:
        """Return what is stored, or None."""
        await self._steps.reach(f"find {key}")
        return self.all.get(key)

    async def update(self, key: str, decide: Callable[[Any], Change[Any]]) -> Any:
        """Read, decide and write."""
        await self._steps.reach(f"update {key}")
        return self.write(key, decide)

    def write(self, key: str, decide: Callable[[Any], Change[Any]]) -> Any:
        """Write at once, as another process does."""
        before = self.all[key]
        change = decide(before)
        assert change.after.version in {before.version, before.version + 1}
        assert bool(change.events) == (change.after.version > before.version)
        self.all[key] = change.after
        return change.after

    async def postpone(self, *_: object) -> None:
        """Do nothing: the test decides when a charge is looked at."""


class Nobody:
    """A store without what is asked for."""

    async def find(self, *_: object) -> None:
        """Return None."""

    async def find_removal(self, *_: object) -> None:
        """Return None."""

    async def wake_frozen(self, *_: object) -> None:
        """Do nothing: the test decides when a charge is looked at."""


class PayoutModel:
    """Two paid charges, their seller, and the processes that work on them."""

    def __init__(self) -> None:
        self.steps = Steps()
        self.stripe = PayoutStripe(self.steps, BEGIN)
        self.charges, self.sellers = MemoryStore(self.steps), MemoryStore(self.steps)
        client: Any = self.stripe
        nobody: Any = Nobody()
        charges: Any = self.charges
        sellers: Any = self.sellers
        connect = Connect(client)
        gateway = Gateway(
            SecretStr("sk_test_x"), api_base=None, webhook_secret=None, timeout_seconds=1
        )
        vars(gateway).update(_client=client, connect=connect)
        self._disputes = Disputes(charges, nobody, DisputeApi(client), self.clock, POLICY)
        accounts = Sellers(sellers, nobody, nobody, nobody, connect, self.clock, public_url="")
        payouts = Payouts(charges, accounts, connect, self._disputes, self.clock, POLICY)
        self._sync = ChargeSync(
            charges, nobody, nobody, gateway, nobody, self.clock, POLICY, payouts
        )
        self._add_seller()
        for days in (0, 3):
            self._add_charge(BEGIN + timedelta(days=days))

    def clock(self) -> datetime:
        """Return the time."""
        return self.stripe.now

    def _add_seller(self) -> None:
        account = Account(ACCOUNT, TransfersStatus.ACTIVE)
        self.sellers.all[SELLER] = (
            new_seller(SELLER, BEGIN).after.apply_account(account, BEGIN).after
        )
        self.stripe.accounts[ACCOUNT] = "active"

    def _add_charge(self, release_at: datetime) -> None:
        order_id = f"{len(self.charges.all) + 1:024}"
        charge = Charge(
            id=charge_id_of(order_id),
            version=2,
            order_id=order_id,
            user_id="b" * 24,
            amount=AMOUNT,
            currency="usd",
            status=ChargeStatus.SUCCEEDED,
            stripe_id=f"pi_{order_id}",
            created_at=BEGIN,
            updated_at=BEGIN,
            paid_at=BEGIN,
            seller_id=SELLER,
            release_at=release_at,
            fee=AMOUNT - NET,
            net=NET,
            stripe_charge_id=f"ch_{order_id}",
            payout=Payout(PayoutState.HELD),
        )
        self.charges.all[charge.id] = charge
        self.stripe.charges[charge.stripe_id] = {
            "id": charge.stripe_charge_id,
            "payment_intent": charge.stripe_id,
            "amount": AMOUNT,
            "amount_refunded": 0,
            "release_at": release_at,
        }

    async def sync(self, charge_id: str) -> None:
        """Work on a charge, as the reconciler and webhooks do."""
        await self.steps.reach("start")
        try:
            charge = await self._sync._disputes.refresh(
                self.charges.all[charge_id]
            )  # as a webhook does
            await self._sync.sync_with_stripe(charge)
        except StripeUnavailable:
            return

    def return_order(self, charge_id: str) -> None:
        """Return the money of an order, because of its show or by consent."""
        self.charges.write(charge_id, lambda charge: charge.mark_order_returned(self.clock()))

    def pause(self, *, is_paused: bool) -> None:
        """Hold the payouts of the seller back, or no longer."""
        self.sellers.write(SELLER, lambda seller: seller.pause(self.clock(), is_paused=is_paused))
