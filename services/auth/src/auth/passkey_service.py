"""What a person can do with passkeys: manage them, sign in with one, and get in without any."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from auth.ceremonies import Ceremonies, Ceremony, Credential
from auth.domain.account import Account
from auth.domain.credentials import INVALID_LINK
from auth.domain.letter import REMOVAL_KINDS
from auth.domain.passkey import MAX_PASSKEYS, NOT_VERIFIED, Passkey, add_passkey
from auth.domain.second_factor import MAX_CODES, SecondFactor
from auth.domain.session import Device
from auth.domain.sign_in_methods import (
    announce_removal,
    change_second_factor,
    record_passkey_added,
    record_passkey_removed,
)
from auth.letter_links import LetterLinks
from auth.recovery_codes import digest_of, new_code
from auth.session_service import Reauthenticated, SessionService, SignedIn
from auth.settings import Settings
from auth.store.accounts import AccountStore
from auth.store.attempts import AttemptLimiter, RateLimit
from auth.store.letters import LetterStore
from auth.store.passkeys import PasskeyStore
from common.auth.tokens import User
from common.errors import BadRequest, NotFound, Unauthorized
from common.values.clock import Clock
from common.values.ids import is_id, new_id


@dataclass(frozen=True, slots=True)
class SignInMethods:
    """The passkeys of a user, and what signing in asks for."""

    passkeys: Sequence[Passkey]
    is_required: bool
    removal_at: datetime | None
    recovery_codes: int
    """How many are left."""


class PasskeyService:
    """Manages passkeys and the second factor, and signs in with them."""

    def __init__(
        self,
        *,
        settings: Settings,
        accounts: AccountStore,
        passkeys: PasskeyStore,
        letters: LetterStore,
        ceremonies: Ceremonies,
        attempt_limiter: AttemptLimiter,
        sessions: SessionService,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._passkeys = passkeys
        self._letters = letters
        self._ceremonies = ceremonies
        self._attempt_limiter = attempt_limiter
        self._sessions = sessions
        self._links = LetterLinks(settings.letter_key)
        self._clock = clock

    async def get(self, user: User) -> SignInMethods:
        """Return the passkeys of a user, and what signing in asks for."""
        return await self._sign_in_methods(await self._require_account(user))

    async def begin_registration(self, user: User) -> Ceremony:
        """Return the options to create another passkey.

        Raises:
            BadRequest: the user has the most that are allowed.
        """
        account = await self._require_account(user)
        return await self._ceremonies.begin_registration(account, await self._require_room(user))

    async def add(
        self, user: User, challenge_id: str, credential: Credential, name: str
    ) -> Passkey:
        """Add a passkey. The account records it first, so that its letter is never lost.

        Raises:
            BadRequest: it could not be verified, or the user has the most that are allowed.
        """
        await self._require_room(user)
        verified = await self._ceremonies.finish_registration(user.id, challenge_id, credential)
        if await self._passkeys.find_by_credential(verified.credential_id) is not None:
            raise BadRequest(NOT_VERIFIED)
        now = self._clock()
        await self._accounts.update(user.id, lambda account: record_passkey_added(account, now))
        change = add_passkey(new_id(), verified, user_id=user.id, name=name, now=now)
        return await self._passkeys.add_unless_known(change)

    async def rename(self, user: User, passkey_id: str, name: str) -> Passkey:
        """Rename an own passkey."""
        return await self._passkeys.update(
            passkey_id, lambda passkey: passkey.rename(name, user.id)
        )

    async def remove(self, user: User, passkey_id: str) -> None:
        """Remove an own passkey.

        Raises:
            BadRequest: it is the last one, and signing in asks for one.
        """
        account = await self._require_account(user)
        now = self._clock()
        passkey = await self._passkeys.get(passkey_id)
        passkey.remove(user.id, now)  # checks the owner
        own = await self._passkeys.list_of_user(user.id)
        if len(own) == 1 and account.second_factor.is_asked(now):
            raise BadRequest("Turn off the second step first, because this is your last passkey")
        await self._accounts.update(user.id, lambda account: record_passkey_removed(account, now))
        await self._passkeys.update(passkey_id, lambda passkey: passkey.remove(user.id, now))

    async def choose_second_factor(self, user: User, *, is_required: bool) -> SignInMethods:
        """Choose whether signing in with the password asks for a passkey as well.

        Raises:
            BadRequest: the user has no passkey.
        """
        await self._require_account(user)
        if is_required and not await self._passkeys.list_of_user(user.id):
            raise BadRequest("Add a passkey first", field="required")
        now = self._clock()

        def choose(second_factor: SecondFactor) -> SecondFactor:
            return second_factor.require(now) if is_required else second_factor.turn_off()

        return await self._sign_in_methods(
            await self._accounts.update(user.id, lambda one: change_second_factor(one, choose))
        )

    async def replace_recovery_codes(self, user: User) -> list[str]:
        """Replace the recovery codes, and return the new ones for the only time."""
        await self._require_account(user)
        codes = [new_code() for _ in range(MAX_CODES)]
        digests = [digest_of(code, user.id) for code in codes]
        await self._accounts.update(
            user.id,
            lambda account: change_second_factor(account, lambda x: x.replace_codes(digests)),
        )
        return codes

    async def begin_second_factor(self, user_id: str) -> Ceremony:
        """Return the options for a passkey of a user who has typed the right password."""
        return await self._ceremonies.begin_authentication(user_id)

    async def begin_sign_in(self, device: Device) -> Ceremony:
        """Return the options to sign in with a passkey. It is not known yet whose.

        Raises:
            TooManyRequests: too many attempts of this address.
        """
        await self._record_attempt(device)
        return await self._ceremonies.begin_authentication()

    async def sign_in(
        self, challenge_id: str, credential: Credential, device: Device, device_token: str
    ) -> SignedIn:
        """Start a session with a passkey: alone, or after the password.

        Raises:
            BadRequest: the passkey could not be verified.
            TooManyRequests: too many attempts of this address.
        """
        await self._record_attempt(device)
        passkey = await self._ceremonies.finish_authentication(challenge_id, credential)
        return await self._start_session(passkey.user_id, device, device_token)

    async def reauthenticate(
        self, user: User, challenge_id: str, credential: Credential
    ) -> Reauthenticated:
        """Record that a user has used a passkey again.

        Raises:
            BadRequest: the passkey could not be verified.
            Unauthorized: the session has ended.
        """
        await self._ceremonies.finish_authentication(challenge_id, credential, user_id=user.id)
        return await self._sessions.reauthenticate(user)

    async def sign_in_with_code(
        self, challenge_id: str, code: str, device: Device, device_token: str
    ) -> SignedIn:
        """Start a session with a recovery code, after the password. A wrong code can be retyped.

        Raises:
            BadRequest: the code is wrong or was used, or the challenge is not valid.
            TooManyRequests: too many attempts of this address, or for this account.
        """
        await self._record_attempt(device)
        user_id = await self._ceremonies.find_second_factor_user(challenge_id)
        most = self._settings.sign_ins_per_account_and_address
        await self._attempt_limiter.record_attempt(RateLimit(f"recovery:{user_id}", most))
        digest = digest_of(code, user_id)
        await self._accounts.update(
            user_id, lambda account: change_second_factor(account, lambda x: x.use_code(digest))
        )
        await self._ceremonies.end(challenge_id)
        return await self._start_session(user_id, device, device_token)

    async def announce_removal(self, challenge_id: str, device: Device) -> datetime:
        """Announce that the second factor is to be removed, and return when that takes place.

        It needs the mail of the account and the new password: the letter to choose it, and the
        challenge of a sign-in with it.

        Raises:
            BadRequest: the challenge is not valid, or the password was not just chosen by a letter.
            TooManyRequests: too many attempts of this address.
        """
        await self._record_attempt(device)
        user_id = await self._ceremonies.find_second_factor_user(challenge_id)
        now = self._clock()
        account = await self._accounts.update(user_id, lambda one: announce_removal(one, now))
        await self._ceremonies.end(challenge_id)
        removal_at = account.second_factor.removal_at
        if removal_at is None:
            raise AssertionError("announced without a time")
        return removal_at

    async def cancel_removal(self, user: User) -> None:
        """Cancel an announced removal, for a user with a session."""
        await self._require_account(user)
        await self._cancel_removal(user.id)

    async def cancel_removal_by_link(self, letter_id: str, token: str) -> None:
        """Cancel an announced removal by the link of a letter about one.

        An older letter cancels it too, and so does one from before the password changed, because
        another reset could otherwise make the link invalid.

        Raises:
            BadRequest: the link is not valid.
        """
        letter = None
        if is_id(letter_id) and self._links.is_valid(letter_id, token):
            letter = await self._letters.find(letter_id)
        if letter is None or letter.kind not in REMOVAL_KINDS:
            raise BadRequest(INVALID_LINK)
        if not letter.is_link_valid(self._clock()):
            raise BadRequest(INVALID_LINK)
        try:
            await self._cancel_removal(letter.user_id)
        except NotFound:
            raise BadRequest(INVALID_LINK) from None

    async def _cancel_removal(self, user_id: str) -> None:
        now = self._clock()
        await self._accounts.update(
            user_id, lambda account: change_second_factor(account, lambda x: x.cancel_removal(now))
        )

    async def _start_session(self, user_id: str, device: Device, device_token: str) -> SignedIn:
        account = await self._accounts.find(user_id)
        if account is None:
            raise Unauthorized
        return await self._sessions.start_session_in_browser(account, device, device_token)

    async def _record_attempt(self, device: Device) -> None:
        limit = RateLimit(f"passkey:{device.network}", self._settings.sign_ins_per_address)
        await self._attempt_limiter.record_attempt(limit)

    async def _require_account(self, user: User) -> Account:
        account = await self._accounts.find(user.id)
        if account is None:
            raise Unauthorized
        return account

    async def _require_room(self, user: User) -> list[Passkey]:
        """Return the passkeys of a user who may add another one."""
        passkeys = await self._passkeys.list_of_user(user.id)
        if len(passkeys) >= MAX_PASSKEYS:
            raise BadRequest(f"You can have at most {MAX_PASSKEYS} passkeys")
        return passkeys

    async def _sign_in_methods(self, account: Account) -> SignInMethods:
        now, second_factor = self._clock(), account.second_factor
        return SignInMethods(
            passkeys=await self._passkeys.list_of_user(account.id),
            is_required=second_factor.is_asked(now),
            removal_at=second_factor.pending_removal(now),
            recovery_codes=len(second_factor.recovery_codes),
        )
