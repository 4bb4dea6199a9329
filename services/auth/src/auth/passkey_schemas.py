"""Request and response bodies of passkeys and the second factor."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints

from auth.account_schemas import Token
from auth.domain.passkey import Passkey
from auth.passkey_service import SignInMethods
from common.values.camel_model import CamelModel, Omittable
from common.values.text import SingleLine

PasskeyName = Annotated[SingleLine, StringConstraints(min_length=1, max_length=60)]
ChallengeId = Annotated[str, StringConstraints(min_length=1, max_length=100), Field(repr=False)]


class ChallengeIn(CamelModel):
    """A challenge of this service."""

    challenge_id: ChallengeId


class PasskeySignInIn(ChallengeIn):
    """A challenge, and what the browser returned for it."""

    credential: Annotated[dict[str, Any], Field(repr=False)]


class NewPasskeyIn(PasskeySignInIn):
    """A new passkey, under a name."""

    name: PasskeyName


class PasskeyNameIn(CamelModel):
    """The new name of a passkey."""

    name: PasskeyName


class SecondFactorIn(CamelModel):
    """Whether signing in with the password asks for a passkey as well."""

    required: bool


class RecoveryIn(ChallengeIn):
    """A recovery code, instead of a passkey."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=100), Field(repr=False)]


class RemovalCancelIn(CamelModel):
    """The query of the link in a letter. With a session it is not needed."""

    letter: Token | None = None
    token: Annotated[Token | None, Field(repr=False)] = None


class PasskeyOut(CamelModel):
    """A passkey of yours."""

    id: str
    name: str
    created_at: datetime
    last_used_at: Omittable[datetime] = None


class SignInMethodsOut(CamelModel):
    """Your passkeys, and what signing in asks for."""

    passkeys: list[PasskeyOut]
    required: bool
    """Whether signing in with the password asks for a passkey as well."""
    removal_at: Omittable[datetime] = None
    """When it is no longer required, if its removal was announced."""
    recovery_codes: int
    """How many were not used yet."""

    @classmethod
    def from_domain(cls, methods: SignInMethods) -> Self:
        return cls(
            passkeys=[passkey_out(passkey) for passkey in methods.passkeys],
            required=methods.is_required,
            removal_at=methods.removal_at,
            recovery_codes=methods.recovery_codes,
        )


class RecoveryCodesOut(CamelModel):
    """Your new recovery codes, which are shown this once."""

    codes: list[str]


class RemovalOut(CamelModel):
    """When the second factor is no longer required."""

    removal_at: datetime


def passkey_out(passkey: Passkey) -> PasskeyOut:
    """Return a passkey as its owner sees it."""
    return PasskeyOut.from_attributes(passkey)
