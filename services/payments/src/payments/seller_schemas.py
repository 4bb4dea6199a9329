"""The JSON of sellers and of what they earn."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import StringConstraints

from common.events import DisputeStatus, PayoutState, TransfersStatus
from common.values.camel_model import CamelModel, Omittable
from common.values.money import Dollars
from payments.domain.charge import Charge
from payments.domain.order import Order
from payments.domain.seller import Seller
from payments.sellers import Earnings

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class SellerIn(CamelModel):
    """Where the seller lives; an ISO 3166 alpha-2 code."""

    country: Country = "US"


class LinkOut(CamelModel):
    """A link to Stripe's pages. Who has it acts as the seller."""

    url: str
    expires_at: Omittable[datetime] = None


class RequirementOut(CamelModel):
    """Something that Stripe wants to know of a seller."""

    description: str
    deadline: str | None
    """Whether it is `eventually_due`, `currently_due` or `past_due`, as Stripe calls it."""


class SellerOut(CamelModel):
    """Whether the signed-in user can be paid."""

    transfers: TransfersStatus | None = None
    """None if the user has no account."""
    requirements: tuple[RequirementOut, ...] = ()
    owed: Dollars = 0
    """What will be kept from later payouts."""
    paused: bool = False
    """Whether an operator holds the payouts back."""
    protected_until: Omittable[datetime] = None
    """Until when nothing is paid, because the user's second factor is being removed."""

    @classmethod
    def from_domain(cls, seller: Seller | None, protected_until: datetime | None) -> Self:
        if seller is None or seller.stripe_account_id is None:
            return cls(protected_until=protected_until)
        return cls(
            protected_until=protected_until,
            transfers=seller.transfers,
            requirements=tuple(
                RequirementOut.from_attributes(each) for each in seller.requirements
            ),
            owed=seller.owed,
            paused=seller.is_paused,
        )


class PayoutOut(CamelModel):
    """Where the money of a sale is."""

    state: PayoutState
    reason: Omittable[str] = None
    """Why it is frozen, void or short."""


class DisputeOut(CamelModel):
    """What the buyer's bank does about the payment."""

    status: DisputeStatus
    amount: Dollars


class SaleOut(CamelModel):
    """What the signed-in user gets of a sale."""

    order_id: str
    title: Omittable[str] = None
    price: Dollars
    fee: Dollars
    net: Dollars
    payout: PayoutOut
    sold_at: datetime
    release_at: datetime | None
    """When the net is paid, if nothing happens until then."""
    show_ends_at: Omittable[datetime] = None
    """When its show ends, which decides the date. Without a show it is the latest one."""
    transfer_id: Omittable[str] = None
    dispute: Omittable[DisputeOut] = None
    refund_offered_at: Omittable[datetime] = None
    """When the seller offered the buyer the money back."""

    @classmethod
    def from_domain(cls, charge: Charge, order: Order | None) -> Self:
        return cls.from_attributes(
            {
                "order_id": charge.order_id,
                "title": order and order.title,
                "price": charge.amount,
                "fee": charge.fee,
                "net": charge.net,
                "payout": charge.payout,
                "sold_at": charge.paid_at,
                "release_at": charge.release_at,
                "show_ends_at": order and order.show and order.show.ends_at,
                "transfer_id": charge.payout and charge.payout.transfer_id,
                "dispute": charge.dispute,
                "refund_offered_at": order and order.refund_offered_at,
            }
        )


class TotalsOut(CamelModel):
    """The sums over the newest sales, 2,000 at most."""

    held: Dollars
    sent: Dollars
    owed: Dollars


class EarningsOut(CamelModel):
    """A page of sales, newest first, and the totals."""

    sales: list[SaleOut]
    totals: TotalsOut

    @classmethod
    def from_domain(cls, earnings: Earnings) -> Self:
        return cls(
            sales=[
                SaleOut.from_domain(charge, earnings.orders.get(charge.order_id))
                for charge in earnings.sales.items
            ],
            totals=TotalsOut(held=earnings.held, sent=earnings.sent, owed=earnings.owed),
        )
