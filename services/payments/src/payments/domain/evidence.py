"""The evidence about a dispute: what we know of the sale, as its buyer's bank reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from common.shows import OrderedShow, Seat

MAX_TITLE_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class Evidence:
    """What Stripe was asked to send to a bank.

    Attributes:
        dispute_id: of the dispute that it is about.
        asked_at: when that was stored, before Stripe was first asked.
        refusals: how often Stripe did not take it. Each try after that needs a new idempotency key.
        submitted_at: when Stripe was first seen to have it.
    """

    dispute_id: str
    asked_at: datetime
    refusals: int = 0
    submitted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """What is known of a sale. A time is None if it did not happen, or if nobody knows it."""

    order_id: str
    buyer_id: str
    amount: str
    title: str | None
    card: str | None
    stripe_charge_id: str | None
    show: OrderedShow | None = None
    seat: Seat | None = None
    ordered_at: datetime | None = None
    paid_at: datetime | None = None
    revealed_at: datetime | None = None
    received_at: datetime | None = None
    refunded_at: datetime | None = None
    refund_id: str | None = None


def describe_sale(sale: Sale) -> Mapping[str, str]:
    """Return the evidence of a sale, by the names that Stripe gives to its parts.

    The same facts give the same text, so that a repeated call says the same.
    """
    evidence = {
        "product_description": _describe_product(sale),
        "access_activity_log": "\n".join(_activity(sale)),
        "uncategorized_text": _summarise(sale),
    }
    if sale.show is not None:
        evidence["service_date"] = f"{_local(sale.show):%Y-%m-%d}"
    return evidence


def _describe_product(sale: Sale) -> str:
    parts = [f"A ticket, resold by its holder: {(sale.title or 'no title')[:MAX_TITLE_LENGTH]}."]
    if show := sale.show:
        venue = show.venue
        parts.append(
            f"{show.name}, {_local(show):%Y-%m-%d %H:%M} ({show.time_zone}), "
            f"{venue.name}, {venue.city}, {venue.country}."
        )
    seat = sale.seat.model_dump(exclude_none=True) if sale.seat is not None else {}
    if seat:
        parts.append(", ".join(f"{name} {value}" for name, value in seat.items()) + ".")
    return " ".join(parts)


def _activity(sale: Sale) -> list[str]:
    """Return what the buyer's account did, oldest first."""
    account = f"account {sale.buyer_id}"
    events = [
        (sale.ordered_at, f"{account} reserved the ticket (order {sale.order_id})"),
        (sale.paid_at, f"{account} paid {sale.amount}{f' with {sale.card}' if sale.card else ''}"),
        (sale.revealed_at, f"{account} opened the original of the ticket, with its code"),
        (sale.refunded_at, f"the payment was refunded in full ({sale.refund_id or 'no id'})"),
    ]
    if sale.received_at != sale.revealed_at:
        events.append((sale.received_at, f"{account} confirmed that the ticket arrived"))
    known = sorted((at, text) for at, text in events if at is not None)
    return [f"{at:%Y-%m-%d %H:%M:%S} UTC: {text}" for at, text in known]


def _summarise(sale: Sale) -> str:
    paid = f"Receipt: one ticket, {sale.amount}, order {sale.order_id}"
    parts = [
        paid + (f", charge {sale.stripe_charge_id}." if sale.stripe_charge_id else "."),
        "The ticket was sold on a marketplace, where its buyer signs in and opens it.",
    ]
    if sale.revealed_at is not None:
        parts.append(
            "The signed-in buyer opened the original of the ticket, with its code, at "
            f"{sale.revealed_at:%Y-%m-%d %H:%M:%S} UTC."
        )
    elif sale.received_at is not None:
        parts.append("The signed-in buyer confirmed that the ticket arrived.")
    else:
        parts.append("We have no record that the buyer opened the ticket.")
    if sale.refunded_at is not None:
        parts.append(
            f"The payment was refunded in full at {sale.refunded_at:%Y-%m-%d %H:%M:%S} UTC"
            + (f" (refund {sale.refund_id})." if sale.refund_id else ".")
        )
    return " ".join(parts)


def _local(show: OrderedShow) -> datetime:
    return show.starts_at.astimezone(ZoneInfo(show.time_zone))
