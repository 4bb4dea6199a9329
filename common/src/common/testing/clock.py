"""A clock for tests."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that only the test moves."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime(2030, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move the clock forward. The arguments are those of `timedelta`."""
        self.now += timedelta(**by)
