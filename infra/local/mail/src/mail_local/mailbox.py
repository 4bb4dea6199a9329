"""The received letters in SQLite, so that a killed server keeps what it has accepted."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

MAX_LETTERS: Final = 100_000
"""Beyond it, the oldest is deleted."""
_LINK: Final = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class Letter:
    """A received letter."""

    id: int
    received_at: str
    sender: str
    recipients: list[str]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["subject"] or "")

    def body(self, subtype: str) -> str:
        """Return the part `plain` or `html`, or an empty text."""
        part = self.message.get_body((subtype,))
        return str(part.get_content()) if part is not None else ""

    def to_json(self) -> dict[str, Any]:
        """Return the letter for the control API."""
        text = self.body("plain")
        return {
            "id": self.id,
            "receivedAt": self.received_at,
            "sender": self.sender,
            "recipients": self.recipients,
            "from": str(self.message["from"] or ""),
            "to": str(self.message["to"] or ""),
            "subject": self.subject,
            "messageId": str(self.message["message-id"] or ""),
            "headers": {name: str(value) for name, value in self.message.items()},
            "text": text,
            "html": self.body("html"),
            "links": _LINK.findall(text),
        }


class Mailbox:
    """All received letters."""

    def __init__(self, database: str) -> None:
        self._db = sqlite3.connect(database, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS letters (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " received_at TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,"
            " message BLOB NOT NULL)"
        )

    def add(self, sender: str, recipients: Sequence[str], message: bytes) -> None:
        """Store a letter. When this returns, it survives the end of the process."""
        now = datetime.now(UTC).isoformat()
        inserted = self._db.execute(
            "INSERT INTO letters (received_at, sender, recipients, message) VALUES (?, ?, ?, ?)",
            (now, sender, "\n".join(recipients), message),
        )
        last_id = inserted.lastrowid or 0
        self._db.execute("DELETE FROM letters WHERE id <= ?", (last_id - MAX_LETTERS,))

    def list_letters(self, *, to: str = "", after: int = 0, limit: int = 1_000) -> list[Letter]:
        """Return letters in the order of their arrival.

        Args:
            to: only letters to this address, in any letter case.
            after: only letters with a larger id.
            limit: at most so many.
        """
        rows = self._db.execute(
            "SELECT * FROM letters WHERE id > ?"
            " AND (? = '' OR instr(char(10) || lower(recipients) || char(10),"
            " char(10) || lower(?) || char(10)) > 0) ORDER BY id LIMIT ?",
            (after, to, to, limit),
        )
        return [_to_letter(row) for row in rows]

    def list_newest(self, limit: int) -> list[Letter]:
        """Return the newest letters, newest first."""
        rows = self._db.execute("SELECT * FROM letters ORDER BY id DESC LIMIT ?", (limit,))
        return [_to_letter(row) for row in rows]

    def find(self, letter_id: int) -> Letter | None:
        """Return a letter, or None if there is none with this id."""
        row = self._db.execute("SELECT * FROM letters WHERE id = ?", (letter_id,)).fetchone()
        return None if row is None else _to_letter(row)

    def count(self) -> int:
        """Return the number of letters."""
        return int(self._db.execute("SELECT count(*) FROM letters").fetchone()[0])

    def clear(self) -> None:
        """Delete all letters."""
        self._db.execute("DELETE FROM letters")

    def close(self) -> None:
        self._db.close()


def _to_letter(row: Sequence[Any]) -> Letter:
    letter_id, received_at, sender, recipients, message = row
    parsed = message_from_bytes(message, policy=policy.default)
    return Letter(letter_id, received_at, sender, recipients.split("\n"), parsed)
