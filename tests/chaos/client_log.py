"""The responses that users received, which must still be true when the system is quiescent."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Reading:
    """An original that a user has read. The digest is that of the bytes."""

    ticket_id: str
    user_id: str
    digest: str


@dataclass
class AccountChange:
    """What Stripe decided about the account of a seller."""

    state: str
    began_at: datetime
    ended_at: datetime | None = None
    """None if the response was lost, so that it may not have happened."""


@dataclass
class ClientLog:
    """The responses that a user relies on."""

    accounts: dict[str, str] = field(default_factory=dict[str, str])
    """Email -> user."""
    tickets: dict[str, str] = field(default_factory=dict[str, str])
    """Ticket -> its title, which is unique."""
    edits: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """Ticket and the version in the response to its edit."""
    offered_prices: dict[str, float | None] = field(default_factory=dict[str, float | None])
    """Ticket -> the price of its last accepted edit; None if the response to an edit was lost."""
    withdrawn: set[str] = field(default_factory=set[str])
    """Tickets whose withdrawal was accepted."""
    orders: dict[str, str] = field(default_factory=dict[str, str])
    """Order -> buyer."""
    offered_refunds: set[str] = field(default_factory=set[str])
    """Orders whose sellers offered the money back."""
    accepted_refunds: set[str] = field(default_factory=set[str])
    """Orders whose buyers accepted that."""
    cancelled: set[str] = field(default_factory=set[str])
    """Orders whose cancellation was accepted."""
    paid: dict[str, str] = field(default_factory=dict[str, str])
    """Order -> charge, of payments that were accepted."""
    codes: list[str] = field(default_factory=list[str])
    """The codes of the originals, which nothing but the vault may have."""
    files: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Ticket -> the digests of the files that its seller has sent."""
    uploaded: set[str] = field(default_factory=set[str])
    """Tickets with a file that was accepted."""
    readings: list[Reading] = field(default_factory=list[Reading])
    listed_again: dict[str, str] = field(default_factory=dict[str, str])
    """Ticket -> the order that it was listed from."""
    ended_sessions: dict[str, str] = field(default_factory=dict[str, str])
    """Ended session -> its last access token, which every service must reject."""
    deleted_accounts: dict[str, str] = field(default_factory=dict[str, str])
    """Email -> user, of deletions that were accepted."""
    onboarded: Counter[str] = field(default_factory=Counter[str])
    """What sellers did on Stripe's page, and how many."""
    account_changes: defaultdict[str, list[AccountChange]] = field(
        default_factory=lambda: defaultdict[str, list[AccountChange]](list)
    )
    """Account at Stripe -> what was decided about it, the last decision at the end."""
    status_counts: Counter[str] = field(default_factory=Counter[str])
    """Responses by status; `none` counts broken connections."""
    forbidden_responses: list[str] = field(default_factory=list[str])
    """Responses that are never allowed."""

    @property
    def response_count(self) -> int:
        """The number of responses, including broken connections."""
        return self.status_counts.total()

    def is_rejected(self, account_id: str) -> bool:
        """Return whether Stripe has rejected an account, which is for good."""
        return any(change.state == "rejected" for change in self.account_changes[account_id])
