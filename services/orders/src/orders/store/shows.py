"""What a ticket is for, as stored with a ticket or an order; earlier versions stored nothing."""

from common.persistence.mongo import Doc
from common.shows import OrderedShow, Seat


def to_document(facts: OrderedShow | Seat | None) -> Doc | None:
    """Return the stored fields of a show or a seat."""
    return None if facts is None else facts.model_dump(by_alias=False)


def show_from_document(doc: Doc | None) -> OrderedShow | None:
    """Return a stored show."""
    return None if doc is None else OrderedShow.model_validate(doc)


def seat_from_document(doc: Doc | None) -> Seat | None:
    """Return a stored seat."""
    return None if doc is None else Seat.model_validate(doc)
