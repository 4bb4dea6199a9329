"""Request and response bodies of accounts and notices."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from auth.account_service import AccountDetails
from auth.domain.letter import Letter, LetterState
from auth.letter_service import Notices
from auth.schemas import AnyPassword, Email, NewEmail, NewPassword
from common.values.camel_model import CamelModel, Omittable
from common.values.money import Dollars

Language = Literal["en", "de"]
Token = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class LinkIn(CamelModel):
    """The query of a link in a letter."""

    letter: Token
    token: Annotated[Token, Field(repr=False)]


class ForgotIn(CamelModel):
    """The address of an account whose password is forgotten."""

    email: Email


class ResetIn(LinkIn):
    """The query of a link in a letter, and the new password."""

    password: Annotated[NewPassword, Field(repr=False)]


class PasswordIn(CamelModel):
    """The present password and a new one."""

    old_password: Annotated[AnyPassword, Field(repr=False)]
    password: Annotated[NewPassword, Field(repr=False)]


class EmailIn(CamelModel):
    """The new address, and the present password, unless it was given a short time ago."""

    email: NewEmail
    password: Annotated[AnyPassword | None, Field(repr=False)] = None


class ReauthenticationIn(CamelModel):
    """The present password, or what the browser returned for a challenge to sign in."""

    password: Annotated[AnyPassword | None, Field(repr=False)] = None
    challenge_id: Annotated[Token | None, Field(repr=False)] = None
    credential: Annotated[dict[str, Any] | None, Field(repr=False)] = None


class AccountIn(CamelModel):
    """What a user can choose."""

    language: Language


class SuspensionOut(CamelModel):
    """Since when, and why, an account may not list, order or pay."""

    at: datetime
    reason: str


class AccountOut(CamelModel):
    """Your account."""

    id: str
    email: str
    verified: bool
    created_at: datetime
    language: Omittable[str] = None
    requested_email: Omittable[str] = None
    """The address to which it changes when you confirm it."""
    password_changed_at: Omittable[datetime] = None
    password_warning: Omittable[str] = None
    role: Omittable[str] = None
    suspended: Omittable[SuspensionOut] = None

    @classmethod
    def from_domain(cls, details: AccountDetails) -> Self:
        account = details.account
        return cls(
            id=account.id,
            email=account.email,
            verified=account.verified_at is not None,
            created_at=account.created_at,
            language=account.language,
            requested_email=account.requested_email and account.requested_email.email,
            password_changed_at=account.password_changed_at,
            password_warning=details.password_warning,
            role=account.role,
            suspended=account.suspension and SuspensionOut.from_attributes(account.suspension),
        )


class NoticeOut(CamelModel):
    """A notice: what a letter to you was about."""

    id: str
    kind: str
    created_at: datetime
    unread: bool
    undelivered: Omittable[bool] = None
    """Whether the letter was not delivered: refused, or not accepted in time."""
    order_id: Omittable[str] = None
    ticket_id: Omittable[str] = None
    title: Omittable[str] = None
    amount: Omittable[Dollars] = None
    reason: Omittable[str] = None
    """Why the account was not deleted, such as `unpaid_order`, or why a payout waits."""

    @classmethod
    def from_domain(cls, letter: Letter, read_at: datetime | None) -> Self:
        return cls(
            id=letter.id,
            kind=letter.kind,
            created_at=letter.created_at,
            unread=read_at is None or letter.created_at > read_at,
            undelivered=letter.state in {LetterState.FAILED, LetterState.EXPIRED},
            **letter.facts,  # pyright: ignore[reportArgumentType] - stored under these names
        )


class UnreadOut(CamelModel):
    """How many of your newest notices are unread."""

    unread: int


class NoticesOut(CamelModel):
    """Your newest notices, newest first, and how many of them are unread."""

    notices: list[NoticeOut]
    unread: int

    @classmethod
    def from_domain(cls, notices: Notices) -> Self:
        shown = [NoticeOut.from_domain(one, notices.read_at) for one in notices.letters]
        return cls(notices=shown, unread=sum(one.unread for one in shown))
