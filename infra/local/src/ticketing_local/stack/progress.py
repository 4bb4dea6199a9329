"""The time since the command began, for the lines that report progress."""

import os
import time

INTERVAL_SECONDS = 5
"""The longest time without such a line."""
STARTED_AT_VARIABLE = "TICKETING_STARTED_AT"
_IMPORTED_AT = time.time()


def elapsed_seconds() -> float:
    """Return the seconds since `make` was called, or else since this program began."""
    started_at = os.environ.get(STARTED_AT_VARIABLE, "")
    return time.time() - (float(started_at) if started_at.isdecimal() else _IMPORTED_AT)


def format_elapsed() -> str:
    """Return the time in seconds, or in minutes and seconds."""
    minutes, seconds = divmod(round(elapsed_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
