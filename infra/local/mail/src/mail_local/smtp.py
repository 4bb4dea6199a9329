"""The SMTP side: accepts every letter, unless a fault is armed."""

import asyncio
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from mail_local.faults import Faults
from mail_local.mailbox import Mailbox

ACCEPTED: Final = "250 OK"
MAX_LETTER_BYTES: Final = 1024 * 1024
_LETTER_FAULTS: Final = {"reject_letter", "hang", "hang_unstored", "drop", "store_twice"}


class LetterHandler:
    """Stores letters, and applies the armed faults. aiosmtpd calls its methods by their names."""

    def __init__(self, mailbox: Mailbox, faults: Faults) -> None:
        self._mailbox = mailbox
        self._faults = faults

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Accept a recipient."""
        fault = self._faults.consume({"reject_recipient"}, [address])
        if fault is not None:
            return f"{fault.code} Injected: recipient rejected"
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Store a letter, and accept it."""
        fault = self._faults.consume(_LETTER_FAULTS, envelope.rcpt_tos)
        action = fault.action if fault else ""
        copies = {"reject_letter": 0, "hang_unstored": 0, "store_twice": 2}.get(action, 1)
        for _ in range(copies):
            content = envelope.content
            self._mailbox.add(
                envelope.mail_from or "",
                envelope.rcpt_tos,
                content.encode() if isinstance(content, str) else content or b"",
            )
        if fault is None:
            return ACCEPTED
        if action == "reject_letter":
            return f"{fault.code} Injected: letter rejected"
        if action == "drop":
            transport = server.transport
            if transport is not None:
                transport.close()
        elif action in {"hang", "hang_unstored"}:
            await self._faults.delay(fault)
        return ACCEPTED


async def serve_smtp(
    host: str, port: int, mailbox: Mailbox, faults: Faults
) -> asyncio.AbstractServer:
    """Start to accept SMTP connections."""
    handler = LetterHandler(mailbox, faults)
    return await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            handler,
            hostname="mail.local",
            ident="ticketing local mail",
            enable_SMTPUTF8=True,
            data_size_limit=MAX_LETTER_BYTES,
            loop=asyncio.get_running_loop(),
        ),
        host,
        port,
    )
