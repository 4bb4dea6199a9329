"""Accounts in MongoDB."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pymongo
import structlog
from bson import ObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from auth.domain.account import Account, Closing, EmailAt, Kept, SessionsEnd, Suspension
from auth.domain.second_factor import SecondFactor
from auth.emails import earlier_normal_form, normalize_email
from common.change import Change
from common.errors import BadRequest
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import (
    INDEX_BUILD_TIMEOUT_SECONDS,
    OUTBOX_INDEX,
    STATE_PROJECTION,
    AggregateDocument,
    Doc,
)
from common.persistence.outbox import Relay
from common.persistence.store import Decide, Store
from common.values.clock import Clock

log = structlog.get_logger("accounts")

MIGRATION: Final = "accounts.folded: simple case folding"
MIGRATION_OVERLAP: Final = timedelta(hours=1)
"""Accounts of this age are read again, because the clocks of those who create ids differ."""
CLOSING: Final = "closing"
"""The index of the accounts whose deletion has begun."""
MAX_CLOSING: Final = 100
NOT_ASCII: Final = r"[^\x00-\x7f]"
AUDITED_FIELDS: Final = frozenset({"role", "suspension", "closing"})
"""What operators decide. Addresses and hashes of passwords are in no audit log."""


class AccountDocument(AggregateDocument):
    """An account; its `folded` field is its email in the form that is compared."""

    class Settings:
        name = "accounts"
        indexes = [
            OUTBOX_INDEX,
            IndexModel("folded", unique=True),
            IndexModel(
                [("closing.at", ASCENDING)],
                name=CLOSING,
                partialFilterExpression={"closing.at": {"$exists": True}},
            ),
        ]


def _email_at(doc: Mapping[str, Any] | None) -> EmailAt | None:
    return EmailAt(doc["email"], doc["at"]) if doc else None


def _email_at_to_document(email: EmailAt | None) -> Doc | None:
    return {"email": email.email, "at": email.at} if email else None


def _second_factor(doc: Mapping[str, Any] | None) -> SecondFactor:
    if doc is None:
        return SecondFactor()
    return SecondFactor(doc["required"], doc["removal_at"], tuple(doc["recovery_codes"]))


def _second_factor_to_document(second_factor: SecondFactor) -> Doc | None:
    if second_factor == SecondFactor():
        return None
    return {
        "required": second_factor.is_required,
        "removal_at": second_factor.removal_at,
        "recovery_codes": list(second_factor.recovery_codes),
    }


def _account_from_document(doc: Mapping[str, Any]) -> Account:
    """Return the account. Earlier versions stored no field after `sessions_end`."""
    end, suspension = doc.get("sessions_end"), doc.get("suspension")
    return Account(
        id=str(doc["_id"]),
        version=doc["version"],
        email=doc["email"],
        normal_email=doc["folded"],
        password_hash=doc["password_hash"],
        created_at=doc["created_at"],
        sessions_end=SessionsEnd(end["before"], end["until"]) if end else None,
        language=doc.get("language"),
        has_common_password=doc.get("has_common_password", False),
        credentials_version=doc.get("credentials_version", 0),
        verified_at=doc.get("verified_at"),
        verification_requested_at=doc.get("verification_requested_at"),
        requested_email=_email_at(doc.get("requested_email")),
        former_email=_email_at(doc.get("former_email")),
        password_changed_at=doc.get("password_changed_at"),
        notices_read_at=doc.get("notices_read_at"),
        password_reset_at=doc.get("password_reset_at"),
        second_factor=_second_factor(doc.get("second_factor")),
        passkey_added_at=doc.get("passkey_added_at"),
        passkey_removed_at=doc.get("passkey_removed_at"),
        closing=Closing(**doc["closing"]) if doc.get("closing") else None,
        kept=Kept(**doc["kept"]) if doc.get("kept") else None,
        role=doc.get("role"),
        suspension=Suspension(suspension["at"], suspension["reason"]) if suspension else None,
        unknown_device_at=doc.get("unknown_device_at"),
    )


def _account_to_document(account: Account) -> Doc:
    end, suspension = account.sessions_end, account.suspension
    return {
        "email": account.email,
        "folded": account.normal_email,
        "password_hash": account.password_hash,
        "created_at": account.created_at,
        "sessions_end": {"before": end.before, "until": end.until} if end else None,
        "language": account.language,
        "has_common_password": account.has_common_password,
        "credentials_version": account.credentials_version,
        "verified_at": account.verified_at,
        "verification_requested_at": account.verification_requested_at,
        "requested_email": _email_at_to_document(account.requested_email),
        "former_email": _email_at_to_document(account.former_email),
        "password_changed_at": account.password_changed_at,
        "notices_read_at": account.notices_read_at,
        "password_reset_at": account.password_reset_at,
        "second_factor": _second_factor_to_document(account.second_factor),
        "passkey_added_at": account.passkey_added_at,
        "passkey_removed_at": account.passkey_removed_at,
        "closing": account.closing and asdict(account.closing),
        "kept": account.kept and asdict(account.kept),
        "role": account.role,
        "suspension": suspension and {"at": suspension.at, "reason": suspension.reason},
        "unknown_device_at": account.unknown_device_at,
    }


class AccountStore(Store[Account]):
    """All accounts."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(
            AccountDocument,
            AggregateMapping(
                from_document=_account_from_document,
                to_document=_account_to_document,
                audited_fields=AUDITED_FIELDS,
            ),
            relay,
            clock,
        )

    async def add_unless_taken(self, change: Change[Account]) -> Account:
        """Insert an account.

        Raises:
            BadRequest: The email already has an account.
        """
        email = change.after.email
        try:
            is_stored_as_before = (
                earlier_normal_form(email) != change.after.normal_email
                and await self.find_by_email(email) is not None
            )
            if not is_stored_as_before:
                return await self.add(change)
        except DuplicateKeyError:
            pass
        raise BadRequest("Email in use", field="email")

    async def update_unless_taken(
        self, account_id: str, email: str, decide: Decide[Account]
    ) -> Account:
        """Change the email of an account.

        Raises:
            BadRequest: the email has another account.
        """
        try:
            other = await self.find_by_email(email)
            if other is None or other.id == account_id:
                return await self.update(account_id, decide)
        except DuplicateKeyError:
            pass
        raise BadRequest("Email in use", field="email")

    async def list_closing(self) -> list[Account]:
        """Return the accounts whose deletion has begun, the first asked for first."""
        docs = self.collection.find({"closing.at": {"$exists": True}}, STATE_PROJECTION)
        oldest = docs.hint(CLOSING).sort("closing.at").limit(MAX_CLOSING)
        return [_account_from_document(doc) async for doc in oldest]

    async def remove(self, account_id: str) -> None:
        """Delete an account."""
        await self.collection.delete_one({"_id": ObjectId(account_id)})

    async def find_by_email(self, email: str) -> Account | None:
        """Return the account of an email in any letter case.

        Of two accounts that are equal but for the letter case, which can only be from before the
        rule changed, it is the one with this spelling.
        """
        normal_email = normalize_email(email)
        stored_forms = list({normal_email, earlier_normal_form(email)})
        docs = self.collection.find({"folded": {"$in": stored_forms}}, STATE_PROJECTION)
        accounts = [_account_from_document(doc) async for doc in docs]
        equal = [one for one in accounts if normalize_email(one.email) == normal_email]
        return next((one for one in equal if one.email == email), next(iter(equal), None))

    async def update_normal_emails(self) -> None:
        """Store the present normal form of the emails of earlier accounts.

        It can be interrupted and repeated. A later run reads only accounts that were created since,
        which a replica of the version before may have done while it was being replaced.
        """
        progress = self.collection.database["migrations"]
        done = await progress.find_one({"_id": MIGRATION})
        checked_to = ObjectId.from_datetime(datetime.now(UTC) - MIGRATION_OVERLAP)
        unchecked = {"_id": {"$gt": done["checked_to"]}} if done else {}
        query = {**unchecked, "email": {"$regex": NOT_ASCII}}
        with pymongo.timeout(INDEX_BUILD_TIMEOUT_SECONDS):  # the first run reads all accounts
            async for doc in self.collection.find(query, {"email": 1, "folded": 1}).sort("_id"):
                await self._update_normal_email(doc)
        await progress.update_one(
            {"_id": MIGRATION}, {"$max": {"checked_to": checked_to}}, upsert=True
        )

    async def _update_normal_email(self, doc: Mapping[str, Any]) -> None:
        normal_email = normalize_email(doc["email"])
        if doc["folded"] == normal_email:
            return
        try:
            await self.collection.update_one(
                {"_id": doc["_id"], "folded": doc["folded"]}, {"$set": {"folded": normal_email}}
            )
        except DuplicateKeyError:  # both stay, and sign in with their own spelling
            log.warning("two accounts have the same email", account_id=str(doc["_id"]))
