"""The letters to sellers about their money: what was paid, what waits for them, and disputes."""

from typing import Final

from auth.domain.letter import LetterKind
from auth.letter_service import LetterService
from common.events import DisputeStatus, PaymentUpdated, PayoutState

OF_SELLER: Final = frozenset({"no_account", "account_not_ready", "account_refused"})
"""The reasons of a payout that waits for its seller. For others there is nothing to do."""


async def write_payout_letters(letters: LetterService, event: PaymentUpdated) -> None:
    """Write the letters about the present state of a payout and its dispute."""
    await _write_payout_sent(letters, event)
    await _write_payout_held(letters, event)
    await _write_dispute(letters, event)


async def _write_payout_sent(letters: LetterService, event: PaymentUpdated) -> None:
    payout = event.payout
    if payout is None or payout.state is not PayoutState.SENT or payout.transfer_id is None:
        return
    await _write(
        letters,
        event,
        f"payment:{event.id}:transfer:{payout.transfer_id}",
        LetterKind.PAYOUT_SENT,
        {"amount": payout.amount or 0},
    )


async def _write_payout_held(letters: LetterService, event: PaymentUpdated) -> None:
    """Write at most one letter a day for each reason, however many payouts it holds."""
    payout, at = event.payout, event.updated_at
    if payout is None or payout.state is not PayoutState.FROZEN or at is None:
        return
    if payout.reason in OF_SELLER:
        await _write(
            letters,
            event,
            f"seller:{event.seller_id}:{payout.reason}:{at:%Y-%m-%d}",
            LetterKind.PAYOUT_HELD,
            {"amount": event.net or 0, "reason": payout.reason},
        )


async def _write_dispute(letters: LetterService, event: PaymentUpdated) -> None:
    dispute = event.dispute
    if dispute is None or dispute.id is None:
        return
    is_open = dispute.status in {DisputeStatus.INQUIRY, DisputeStatus.OPEN}
    await _write(
        letters,
        event,
        f"payment:{event.id}:dispute:{dispute.id}",
        LetterKind.DISPUTE_OPENED if is_open else LetterKind.DISPUTE_CLOSED,
        {"amount": dispute.amount, "reason": dispute.status},
    )


async def _write(
    letters: LetterService,
    event: PaymentUpdated,
    fact: str,
    kind: LetterKind,
    facts: dict[str, str | int],
) -> None:
    """Write a letter to the seller, with the title that the letter about the sale has."""
    seller_id = event.seller_id
    if seller_id is None or event.updated_at is None:
        return
    sale = await letters.find_facts(
        f"order:{event.order_id}:complete", LetterKind.TICKET_SOLD, seller_id
    )
    title: dict[str, str | int] = {"title": sale["title"]} if "title" in sale else {}
    await letters.write(fact, kind, seller_id, at=event.updated_at, facts={**title, **facts})
