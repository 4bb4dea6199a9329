"""The end of a program's log, for an error message."""

import re
from pathlib import Path

# mongod logs JSON, and the stack trace of a crash hides the lines of severity E and F.
MONGOD_SEVERE = re.compile(r'"s":"[EF]",.*?"msg":')


def tail(log: Path) -> str:
    """Return the last lines of a log file, or nothing if it does not exist."""
    try:
        return last_lines(log.read_text(errors="replace"))
    except OSError:
        return ""


def last_lines(output: str, lines: int = 8, width: int = 500) -> str:
    """Return the last lines of an output, only mongod's severe ones if there are any."""
    recent = output.splitlines()[-100:]
    severe = [line[found.end() :] for line in recent if (found := MONGOD_SEVERE.search(line))]
    return "\n".join(line[:width] for line in (severe or recent)[-lines:])
