"""Writes letters about facts, and lists them as notices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from auth.domain.account import Account
from auth.domain.letter import MAX_AGE, Letter, LetterKind, letter_id, write_letter
from auth.store.accounts import AccountStore
from auth.store.letters import LetterStore
from common.errors import NotFound
from common.events import UserEvent
from common.values.clock import Clock

MAX_NOTICES: Final = 100
FORMER_EMAIL_TRUST: Final = timedelta(days=30)
"""How long after a change the former address gets the letter about a removal as well."""


@dataclass(frozen=True, slots=True)
class Notices:
    """The newest notices of a user, and until when the user has read them."""

    letters: Sequence[Letter]
    read_at: datetime | None


class LetterService:
    """Writes letters. Every method can be repeated: a fact that has its letters gets no others."""

    def __init__(self, letters: LetterStore, accounts: AccountStore, clock: Clock) -> None:
        self._letters = letters
        self._accounts = accounts
        self._clock = clock

    async def write(
        self,
        fact: str,
        kind: LetterKind,
        user_id: str,
        *,
        at: datetime | None = None,
        facts: Mapping[str, str | int] | None = None,
    ) -> None:
        """Write a letter to the address of a user.

        Args:
            fact: names what happened; the same for each event that reports it.
            kind: the kind of letter.
            user_id: the user. One without an account gets none.
            at: about when it happened, if that is known. What is too old gets no letter.
            facts: what the text names.
        """
        now = self._clock()
        is_recent = at is None or at > now - MAX_AGE
        if is_recent and await self._accounts.find(user_id) is not None:
            change = write_letter(fact, kind, user_id, now=now, facts=facts)
            await self._letters.add_unless_written(change)

    async def find_facts(
        self, fact: str, kind: LetterKind, user_id: str
    ) -> Mapping[str, str | int]:
        """Return what the letter about another fact names, or nothing if there is none."""
        letter = await self._letters.find(letter_id(fact, kind, user_id))
        return {} if letter is None else letter.facts

    async def write_account_letters(self, event: UserEvent) -> None:
        """Write the letters about what changed: the event has the times, the account addresses."""
        account = await self._accounts.find(event.id)
        if account is None:
            return
        requested, former = account.requested_email, account.former_email
        if account.verified_at is None:
            asked_at = event.verification_requested_at or event.created_at
            await self._write_to_account(LetterKind.VERIFY, account, asked_at)
        await self._write_to_account(
            LetterKind.PASSWORD_CHANGED, account, event.password_changed_at
        )
        if requested is not None and requested.at == event.email_requested_at:
            await self._write_to_account(
                LetterKind.EMAIL_VERIFY, account, requested.at, requested.email
            )
        await self._write_to_account(
            LetterKind.NEW_SIGN_IN, account, event.signed_in_from_unknown_device_at
        )
        await self._write_to_account(LetterKind.EMAIL_REQUESTED, account, event.email_requested_at)
        await self._write_to_account(LetterKind.EMAIL_CHANGED, account, event.email_changed_at)
        if former is not None and former.at == event.email_changed_at:
            await self._write_to_account(
                LetterKind.EMAIL_CHANGED_FORMER, account, former.at, former.email
            )
        await self._write_to_account(LetterKind.PASSKEY_ADDED, account, event.passkey_added_at)
        await self._write_to_account(LetterKind.PASSKEY_REMOVED, account, event.passkey_removed_at)
        removal_at = event.second_factor_removal_at
        await self._write_to_account(LetterKind.SECOND_FACTOR_REMOVAL, account, removal_at)
        if former is not None and self._clock() < former.at + FORMER_EMAIL_TRUST:
            await self._write_to_account(
                LetterKind.SECOND_FACTOR_REMOVAL_FORMER, account, removal_at, former.email
            )

    async def write_kept_letter(self, event: UserEvent) -> None:
        """Write the letter that the deletion of an account was given up, and why."""
        account = await self._accounts.find(event.id)
        kept = account and account.kept
        if kept is not None and kept.at == event.kept_at:
            fact = f"user:{event.id}:{kept.at.isoformat(timespec='milliseconds')}"
            facts = {"reason": kept.reason}
            await self.write(fact, LetterKind.ACCOUNT_KEPT, event.id, at=kept.at, facts=facts)

    async def _write_to_account(
        self,
        kind: LetterKind,
        account: Account,
        at: datetime | None,
        address: str | None = None,
    ) -> None:
        """Write a letter about a change of an account, if there was one at this time."""
        now = self._clock()
        if at is None or at <= now - MAX_AGE:
            return
        change = write_letter(
            f"user:{account.id}:{at.isoformat(timespec='milliseconds')}",
            kind,
            account.id,
            now=now,
            address=address,
            credentials_version=account.credentials_version,
        )
        await self._letters.add_unless_written(change)

    async def notices(self, user_id: str) -> Notices:
        """Return the newest notices of a user."""
        account = await self._accounts.find(user_id)
        letters = await self._letters.list_of_user(user_id, MAX_NOTICES)
        return Notices(letters, account.notices_read_at if account else None)

    async def count_unread(self, user_id: str) -> int:
        """Return how many notices of a user are unread, at most as many as are listed."""
        account = await self._accounts.find(user_id)
        if account is None:
            return 0
        return await self._letters.count_of_user(user_id, account.notices_read_at, MAX_NOTICES)

    async def read_notices(self, user_id: str) -> None:
        """Record that a user has read the notices until now.

        Raises:
            NotFound: there is no such account.
        """
        now = self._clock()
        if await self._accounts.find(user_id) is None:
            raise NotFound
        await self._accounts.update(user_id, lambda account: account.read_notices(now))
