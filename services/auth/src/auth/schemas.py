"""What the wire sees of accounts and sessions."""

from datetime import datetime
from typing import Annotated, Final, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, WithJsonSchema

from auth.domain import Session
from common.auth.tokens import User
from common.web.schemas import Wire

EMAIL_MAX: Final = 254  # RFC 5321, 4.5.3.1.3, without its angle brackets
PASSWORD_MIN: Final = 6
PASSWORD_MAX: Final = 128


def _email(text: str) -> str:
    text = text.strip()
    if len(text) > EMAIL_MAX:  # before it is parsed
        raise ValueError("Email must be valid")
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError("Email must be valid") from None


def _characters(text: str) -> str:
    """Refuse half a character: JSON can name a lone surrogate, no text has one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("Password must be text") from None
    return text


def _new_password(text: str) -> str:
    if not PASSWORD_MIN <= len(text) <= PASSWORD_MAX:
        raise ValueError(f"Password must be between {PASSWORD_MIN} and {PASSWORD_MAX} characters")
    return text


def _any_password(text: str) -> str:
    if not text:
        raise ValueError("You must supply a password")
    if len(text) > PASSWORD_MAX:
        raise ValueError(f"Password must have at most {PASSWORD_MAX} characters")
    return text


Email = Annotated[
    str,
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": EMAIL_MAX}),
]
NewPassword = Annotated[
    str,
    AfterValidator(_characters),
    AfterValidator(_new_password),
    WithJsonSchema(
        {
            "type": "string",
            "format": "password",
            "minLength": PASSWORD_MIN,
            "maxLength": PASSWORD_MAX,
        }
    ),
]
"""Any characters, kept as they were typed: a password of spaces is one."""
AnyPassword = Annotated[
    str,
    AfterValidator(_characters),
    AfterValidator(_any_password),
    WithJsonSchema(
        {"type": "string", "format": "password", "minLength": 1, "maxLength": PASSWORD_MAX}
    ),
]


class SignUpIn(Wire):
    """What somebody new sends."""

    email: Email
    password: Annotated[NewPassword, Field(repr=False)]


class SignInIn(Wire):
    """What somebody known sends."""

    email: Email
    password: Annotated[AnyPassword, Field(repr=False)]


class UserOut(Wire):
    """Who is signed in."""

    id: str
    email: str

    @classmethod
    def of(cls, user: User) -> Self:
        """Show a user to themselves."""
        return cls(id=user.id, email=user.email)


class CurrentUserOut(Wire):
    """Who is signed in, or null."""

    current_user: UserOut | None


class SignedOut(Wire):
    """Nothing more to say."""


class SessionOut(Wire):
    """One of somebody's own sessions; `current` is the one that asks."""

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str
    address: str
    current: bool

    @classmethod
    def of(cls, session: Session, asking: User) -> Self:
        """Show a session to its owner."""
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
            user_agent=session.device.user_agent,
            address=session.device.address,
            current=session.id == asking.session_id,
        )
