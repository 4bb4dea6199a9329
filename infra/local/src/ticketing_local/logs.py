"""What a program last said, for a person to read."""

from pathlib import Path


def tail(log: Path) -> str:
    """Give the last lines of a log that may not be there yet."""
    try:
        return last_lines(log.read_text(errors="replace"))
    except OSError:
        return ""


def last_lines(said: str, lines: int = 8, width: int = 400) -> str:
    """Give the end of what was said, no line so long that it fills the screen."""
    return "\n".join(line[:width] for line in said.splitlines()[-lines:])
