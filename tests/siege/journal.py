"""The journal of the friendly users' requests, by phase of an attack."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

BEFORE: Final = "before"
DURING: Final = "during"
AFTER: Final = "after"


@dataclass
class PhaseRecord:
    """The requests that began in one phase."""

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list[float]))
    """The response times of each step."""
    wrong: Counter[str] = field(default_factory=Counter[str])
    """Requests without the expected status, by step and status."""
    statuses: defaultdict[str, Counter[int | None]] = field(
        default_factory=lambda: defaultdict(Counter[int | None])
    )
    """The statuses of each step."""

    @property
    def count(self) -> int:
        """The number of requests."""
        return sum(map(len, self.seconds.values()))

    @property
    def share_right(self) -> float:
        """The share of requests that were answered as expected."""
        return 1 - self.wrong.total() / self.count if self.count else 0.0

    def quantile(self, share: float, step: str | None = None) -> float:
        """Return the response time in seconds that this share of the requests did not exceed.

        Args:
            share: between 0 and 1.
            step: only the requests of this step, or all of them.
        """
        steps = self.seconds.values() if step is None else [self.seconds.get(step, [])]
        seconds = sorted(chain.from_iterable(steps))
        return seconds[min(int(share * len(seconds)), len(seconds) - 1)] if seconds else 0.0


class Journal:
    """Records every request of the friendly users in the phase in which it began."""

    def __init__(self) -> None:
        self.phase = BEFORE
        self.phases: defaultdict[str, PhaseRecord] = defaultdict(PhaseRecord)

    def record(
        self, phase: str, step: str, status: int | None, seconds: float, *, is_right: bool
    ) -> None:
        """Record a request. Without a response, its status is None."""
        record = self.phases[phase]
        record.seconds[step].append(seconds)
        record.statuses[step][status] += 1
        if not is_right:
            record.wrong[f"{step} {status or 'no response'}"] += 1
