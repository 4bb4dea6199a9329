"""What users were told: none of it may be untrue when all is quiet again."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class ClientLog:
    """Every answer that somebody relies on, by what it was about."""

    accounts: dict[str, str] = field(default_factory=dict[str, str])
    """Email -> user."""
    tickets: dict[str, str] = field(default_factory=dict[str, str])
    """Ticket -> the title it was listed under; every listing has a title of its own."""
    edits: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """Ticket, and the version that an edit was answered with."""
    orders: dict[str, str] = field(default_factory=dict[str, str])
    """Order -> buyer."""
    cancelled: set[str] = field(default_factory=set[str])
    """Orders whose cancellation was accepted."""
    paid: dict[str, str] = field(default_factory=dict[str, str])
    """Order -> charge, of payments that were accepted."""
    ended_sessions: dict[str, str] = field(default_factory=dict[str, str])
    """Session that was signed out of -> its last access token, which nobody may believe."""
    status_counts: Counter[str] = field(default_factory=Counter[str])
    """How often each status was answered; `none` where the connection broke."""
    forbidden_responses: list[str] = field(default_factory=list[str])
    """Answers that must never be given."""

    @property
    def response_count(self) -> int:
        """How many answers there were, broken connections included."""
        return self.status_counts.total()
