"""What is known of a ticket, as stored; earlier versions of this service stored none of it."""

from common.persistence.mongo import Doc
from common.protection import Protection
from common.shows import OrderedShow, Seat


def to_document(facts: OrderedShow | Seat | Protection | None) -> Doc | None:
    """Return the stored fields of a show, a seat or a protection."""
    return None if facts is None else facts.model_dump(by_alias=False)


def show_from_document(doc: Doc | None) -> OrderedShow | None:
    """Return a stored show."""
    return None if doc is None else OrderedShow.model_validate(doc)


def seat_from_document(doc: Doc | None) -> Seat | None:
    """Return a stored seat."""
    return None if doc is None else Seat.model_validate(doc)


def protection_from_document(doc: Doc | None) -> Protection | None:
    """Return a stored protection."""
    return None if doc is None else Protection.model_validate(doc)
