"""What a program last said, for a person to read."""

import re
from pathlib import Path

# mongod's log is JSON, and a crash's stack trace buries the reason: its own E and F mark that.
MONGOD_SEVERE = re.compile(r'"s":"[EF]",.*?"msg":')


def tail(log: Path) -> str:
    """Give the last lines of a log that may not be there yet."""
    try:
        return last_lines(log.read_text(errors="replace"))
    except OSError:
        return ""


def last_lines(output: str, lines: int = 8, width: int = 500) -> str:
    """Give the end of what was said, only the grave of it where the program marks that."""
    recent = output.splitlines()[-100:]
    severe = [line[found.end() :] for line in recent if (found := MONGOD_SEVERE.search(line))]
    return "\n".join(line[:width] for line in (severe or recent)[-lines:])
