"""Request and response bodies of accounts and sessions."""

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, WithJsonSchema

from auth.domain.session import Session
from auth.emails import is_confusable
from common.auth.tokens import User
from common.values.camel_model import CamelModel, Omittable

MAX_EMAIL_LENGTH: Final = 254  # RFC 5321, 4.5.3.1.3, without its angle brackets
MAX_LABEL_LENGTH: Final = 63  # RFC 1035, 2.3.4
LABEL_SEPARATORS: Final = re.compile("[.\u3002\uff0e\uff61]")  # RFC 3490, 3.1
MIN_PASSWORD_LENGTH: Final = 6
MAX_PASSWORD_LENGTH: Final = 128


def _validate_email(text: str) -> str:
    text = text.strip()
    # Before it is parsed, because encoding a long label takes quadratic time.
    labels = LABEL_SEPARATORS.split(text.rpartition("@")[2])
    if len(text) > MAX_EMAIL_LENGTH or max(map(len, labels)) > MAX_LABEL_LENGTH:
        raise ValueError("Email must be valid")
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError("Email must be valid") from None


def _reject_confusable_email(text: str) -> str:
    if is_confusable(text):
        raise ValueError("Email must use letters of one alphabet")
    return text


def _reject_surrogates(text: str) -> str:
    """Reject lone surrogates, which JSON can express but UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("Password must be valid Unicode text") from None
    return text


def _validate_new_password(text: str) -> str:
    if not MIN_PASSWORD_LENGTH <= len(text) <= MAX_PASSWORD_LENGTH:
        raise ValueError(
            f"Password must be between {MIN_PASSWORD_LENGTH} and {MAX_PASSWORD_LENGTH} characters"
        )
    return text


def _validate_password(text: str) -> str:
    if not text:
        raise ValueError("You must supply a password")
    if len(text) > MAX_PASSWORD_LENGTH:
        raise ValueError(f"Password must have at most {MAX_PASSWORD_LENGTH} characters")
    return text


def _password_schema(min_length: int) -> dict[str, str | int]:
    limits = {"minLength": min_length, "maxLength": MAX_PASSWORD_LENGTH}
    return {"type": "string", "format": "password", **limits}


Email = Annotated[
    str,
    AfterValidator(_validate_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_EMAIL_LENGTH}),
]
NewEmail = Annotated[Email, AfterValidator(_reject_confusable_email)]
"""The email of a new account. Existing accounts keep theirs, whatever its letters are."""
NewPassword = Annotated[
    str,
    AfterValidator(_reject_surrogates),
    AfterValidator(_validate_new_password),
    WithJsonSchema(_password_schema(min_length=MIN_PASSWORD_LENGTH)),
]
"""A password with any characters, stored as typed."""
AnyPassword = Annotated[
    str,
    AfterValidator(_reject_surrogates),
    AfterValidator(_validate_password),
    WithJsonSchema(_password_schema(min_length=1)),
]


class SignUpIn(CamelModel):
    """Credentials of a new account."""

    email: NewEmail
    password: Annotated[NewPassword, Field(repr=False)]
    language: Literal["en", "de"] | None = None
    """The language of letters, English by default."""


class SignInIn(CamelModel):
    """Credentials of an existing account."""

    email: Email
    password: Annotated[AnyPassword, Field(repr=False)]


class UserOut(CamelModel):
    """A signed-in user."""

    id: str
    email: str


class SignUpOut(UserOut):
    """A user who has signed up."""

    password_warning: Omittable[str] = None
    """Why the password should be changed."""


class CurrentUserOut(CamelModel):
    """The signed-in user, or null."""

    current_user: UserOut | None


class CeremonyOut(CamelModel):
    """A challenge, valid once and for five minutes, and the options for the browser."""

    challenge_id: str
    options: dict[str, Any]


class EmptyOut(CamelModel):
    """An empty object."""


class SessionOut(CamelModel):
    """A session of the signed-in user. `current` marks the session of this request."""

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str
    address: str
    current: bool

    @classmethod
    def from_domain(cls, session: Session, current_user: User) -> Self:
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
            user_agent=session.device.user_agent,
            address=session.device.address,
            current=session.id == current_user.session_id,
        )
