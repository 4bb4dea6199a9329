"""How an order is stored. Earlier versions of this service stored fewer fields."""

from collections.abc import Mapping
from typing import Any, Final

from common.events import CancelReason, OrderStatus, Outcome
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import Doc, object_id
from orders.domain.order import Order
from orders.domain.ticket import ReservedTicket
from orders.store.facts import (
    protection_from_document,
    seat_from_document,
    show_from_document,
    to_document,
)


def _from_document(doc: Mapping[str, Any]) -> Order:
    ticket = doc["ticket"]
    return Order(
        id=str(doc["_id"]),
        version=doc["version"],
        status=OrderStatus(doc["status"]),
        user_id=doc["user_id"],
        created_at=doc["created_at"],
        expires_at=doc["expires_at"],
        ticket=ReservedTicket(
            id=str(ticket["id"]),
            title=ticket["title"],
            price=ticket["price"],
            hold=ticket["hold"],
            show=show_from_document(ticket.get("show")),
            seat=seat_from_document(ticket.get("seat")),
            seller_id=ticket.get("seller_id"),
            version=ticket.get("version"),
            protection=protection_from_document(ticket.get("protection")),
        ),
        slot=doc.get("slot"),
        reason=CancelReason(doc["reason"]) if doc["reason"] else None,
        detail=doc.get("detail"),
        outcome=Outcome(doc["outcome"]) if doc.get("outcome") else None,
        received_at=doc.get("received_at"),
        revealed_at=doc.get("revealed_at"),
        refund_offered_at=doc.get("refund_offered_at"),
        refund_agreed_at=doc.get("refund_agreed_at"),
        disputed=doc.get("disputed", False),
        dispute_version=doc.get("dispute_version"),
    )


def _to_document(order: Order) -> Doc:
    ticket = order.ticket
    return {
        "status": order.status,
        "live": order.is_live,
        "user_id": order.user_id,
        "created_at": order.created_at,
        "expires_at": order.expires_at,
        "ticket": {
            "id": object_id(ticket.id),
            "title": ticket.title,
            "price": ticket.price,
            "hold": ticket.hold,
            "show": to_document(ticket.show),
            "seat": to_document(ticket.seat),
            "seller_id": ticket.seller_id,
            "version": ticket.version,
            "protection": to_document(ticket.protection),
        },
        "slot": order.slot,
        "reason": order.reason,
        "detail": order.detail,
        "outcome": order.outcome,
        "received_at": order.received_at,
        "revealed_at": order.revealed_at,
        "refund_offered_at": order.refund_offered_at,
        "refund_agreed_at": order.refund_agreed_at,
        "disputed": order.disputed,
        "dispute_version": order.dispute_version,
    }


MAPPING: Final = AggregateMapping(
    from_document=_from_document, to_document=_to_document, audited=True
)
