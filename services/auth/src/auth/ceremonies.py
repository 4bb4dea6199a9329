"""The two ceremonies of WebAuthn: a registration creates a passkey, an authentication uses one.

The relying party and its origin come from PUBLIC_URL and never from a request. User verification (a
PIN, a fingerprint, a face) is always required, so that every passkey can replace a password.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

import structlog
import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth.domain.account import Account
from auth.domain.passkey import NOT_VERIFIED, NewCredential, Passkey
from auth.store.challenges import CHALLENGE_LIFETIME, Challenge, ChallengeStore, Purpose
from auth.store.passkeys import PasskeyStore
from common.errors import BadRequest
from common.values.clock import Clock
from common.values.ids import is_id

log = structlog.get_logger("passkeys")

RELYING_PARTY_NAME: Final = "Ticketing"
TIMEOUT_MILLISECONDS: Final = int(CHALLENGE_LIFETIME.total_seconds() * 1000)
TRANSPORTS: Final = {transport.value: transport for transport in AuthenticatorTransport}

Credential = dict[str, Any]
"""What the browser returns, as JSON (`PublicKeyCredential.toJSON()`)."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """The beginning of a ceremony: its challenge, and the options for the browser."""

    challenge_id: str
    options: dict[str, Any]


class Ceremonies:
    """Begins ceremonies, and verifies what the browser returns."""

    def __init__(
        self, public_url: str, *, passkeys: PasskeyStore, challenges: ChallengeStore, clock: Clock
    ) -> None:
        parts = urlsplit(public_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._relying_party_id = parts.hostname or ""
        self._passkeys = passkeys
        self._challenges = challenges
        self._clock = clock

    async def begin_registration(self, account: Account, passkeys: Sequence[Passkey]) -> Ceremony:
        """Return the options to create a passkey that the authenticator has not."""
        challenge = await self._challenges.add(Purpose.REGISTRATION, account.id)
        options = webauthn.generate_registration_options(
            rp_id=self._relying_party_id,
            rp_name=RELYING_PARTY_NAME,
            user_id=bytes.fromhex(account.id),
            user_name=account.email,
            challenge=challenge.value,
            timeout=TIMEOUT_MILLISECONDS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(passkeys),
        )
        return Ceremony(challenge.id, json.loads(webauthn.options_to_json(options)))

    async def finish_registration(
        self, user_id: str, challenge_id: str, credential: Credential
    ) -> NewCredential:
        """Verify a credential that an authenticator has created for a user.

        Raises:
            BadRequest: it is not valid, or the challenge is not.
        """
        challenge = await self._take(challenge_id, Purpose.REGISTRATION)
        if challenge.user_id != user_id:
            raise BadRequest(NOT_VERIFIED)
        try:
            verified = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge.value,
                expected_rp_id=self._relying_party_id,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except Exception as error:  # noqa: BLE001 - the library raises many kinds
            raise _rejection(error) from None
        return NewCredential(
            credential_id=bytes_to_base64url(verified.credential_id),
            public_key=bytes_to_base64url(verified.credential_public_key),
            sign_count=verified.sign_count,
            transports=_transports(credential),
        )

    async def begin_authentication(self, user_id: str | None = None) -> Ceremony:
        """Return the options to use a passkey: any one, or as the second factor one of a user."""
        purpose = Purpose.SIGN_IN if user_id is None else Purpose.SECOND_FACTOR
        passkeys = [] if user_id is None else await self._passkeys.list_of_user(user_id)
        challenge = await self._challenges.add(purpose, user_id)
        options = webauthn.generate_authentication_options(
            rp_id=self._relying_party_id,
            challenge=challenge.value,
            timeout=TIMEOUT_MILLISECONDS,
            allow_credentials=_descriptors(passkeys),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return Ceremony(challenge.id, json.loads(webauthn.options_to_json(options)))

    async def finish_authentication(
        self, challenge_id: str, credential: Credential, *, user_id: str | None = None
    ) -> Passkey:
        """Verify the use of a passkey, and record it.

        Args:
            challenge_id: the challenge, which cannot be used again, whatever the outcome.
            credential: what the browser returned.
            user_id: who must own the passkey, besides the user of the challenge.

        Raises:
            BadRequest: the passkey is unknown, another user's or a copy, or the response is not
                valid for this challenge and this site.
        """
        challenge = await self._take(challenge_id, Purpose.SIGN_IN, Purpose.SECOND_FACTOR)
        credential_id = credential.get("id")
        passkey = (
            await self._passkeys.find_by_credential(credential_id)
            if isinstance(credential_id, str) and credential_id.isascii()
            else None
        )
        if passkey is None or {passkey.user_id} != {passkey.user_id, *_owners(challenge, user_id)}:
            raise BadRequest(NOT_VERIFIED)
        sign_count = self._verify(challenge, credential, passkey)
        now = self._clock()
        return await self._passkeys.record_use(
            passkey.id, lambda current: current.use(sign_count, now)
        )

    async def find_second_factor_user(self, challenge_id: str) -> str:
        """Return the user who has just typed the right password.

        Raises:
            BadRequest: the challenge is not valid.
        """
        challenge = None
        if is_id(challenge_id):
            challenge = await self._challenges.find(challenge_id, Purpose.SECOND_FACTOR)
        if challenge is None or challenge.user_id is None:
            raise BadRequest("Sign in again, because too much time has passed")
        return challenge.user_id

    async def end(self, challenge_id: str) -> None:
        """Use up the challenge of a second factor."""
        await self._challenges.take(challenge_id, Purpose.SECOND_FACTOR)

    async def _take(self, challenge_id: str, *purposes: Purpose) -> Challenge:
        challenge = None
        if is_id(challenge_id):
            challenge = await self._challenges.take(challenge_id, *purposes)
        if challenge is None:
            raise BadRequest(NOT_VERIFIED)
        return challenge

    def _verify(self, challenge: Challenge, credential: Credential, passkey: Passkey) -> int:
        """Return the counter of a valid signature.

        The library compares it with 0, because `Passkey.use` compares it with the stored one in the
        write that replaces that.
        """
        try:
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge.value,
                expected_rp_id=self._relying_party_id,
                expected_origin=self._origin,
                credential_public_key=base64url_to_bytes(passkey.credential.public_key),
                credential_current_sign_count=0,
                require_user_verification=True,
            )
            handle = base64url_to_bytes(_response(credential).get("userHandle") or "")
        except Exception as error:  # noqa: BLE001 - the library raises many kinds
            raise _rejection(error) from None
        if handle and handle != bytes.fromhex(passkey.user_id):
            raise BadRequest(NOT_VERIFIED)
        return verified.new_sign_count


def _owners(challenge: Challenge, user_id: str | None) -> set[str]:
    return {one for one in (challenge.user_id, user_id) if one is not None}


def _rejection(error: Exception) -> BadRequest:
    """Return the error for the client. The reason is for the log only."""
    log.info("passkey not verified", reason=f"{type(error).__name__}: {error}"[:200])
    return BadRequest(NOT_VERIFIED)


def _response(credential: Credential) -> Mapping[str, Any]:
    response = credential.get("response")
    return cast(Mapping[str, Any], response) if isinstance(response, dict) else {}


def _transports(credential: Credential) -> tuple[str, ...]:
    """Return how the browser reaches the authenticator, as far as that is known."""
    transports = _response(credential).get("transports")
    named = cast(list[object], transports) if isinstance(transports, list) else []
    return tuple(name for name in TRANSPORTS if name in named)


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(passkey.credential.credential_id),
            transports=[TRANSPORTS[name] for name in passkey.credential.transports],
        )
        for passkey in passkeys
    ]
