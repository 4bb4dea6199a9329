"""The auth application service: creates accounts, and signs users in with their password."""

from dataclasses import dataclass

from auth.common_passwords import password_warning
from auth.device_tokens import DeviceTokens
from auth.domain.account import create_account
from auth.domain.session import Device
from auth.emails import normalize_email
from auth.passwords import HashClient, PasswordHasher
from auth.session_service import SessionService, SignedIn
from auth.settings import Settings
from auth.store.accounts import AccountStore
from auth.store.attempts import AttemptLimiter, RateLimit
from common.errors import BadRequest
from common.values.clock import Clock
from common.values.ids import new_id


@dataclass(frozen=True, slots=True)
class SecondFactorAsked:
    """The password was right, and the account asks for a second factor."""

    user_id: str


class AuthService:
    """Creates accounts, and signs users in with their password."""

    def __init__(
        self,
        *,
        settings: Settings,
        accounts: AccountStore,
        attempt_limiter: AttemptLimiter,
        passwords: PasswordHasher,
        device_tokens: DeviceTokens,
        sessions: SessionService,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._attempt_limiter = attempt_limiter
        self._passwords = passwords
        self._device_tokens = device_tokens
        self._sessions = sessions
        self._clock = clock

    async def sign_up(
        self, email: str, password: str, device: Device, *, language: str | None = None
    ) -> SignedIn:
        """Create an account and sign in. `language` is that of letters.

        Raises:
            BadRequest: The email already has an account.
            TooManyRequests: The address has created too many accounts.
        """
        limit = RateLimit(f"sign-up:{device.network}", self._settings.sign_ups_per_address)
        client = HashClient(device.network)
        self._passwords.require_capacity(client)
        await self._attempt_limiter.record_attempt(limit)
        password_hash = await self._passwords.hash(password, client=client)
        change = create_account(
            new_id(),
            email=email,
            password_hash=password_hash,
            now=self._clock(),
            language=language,
            has_common_password=password_warning(password, email) is not None,
        )
        account = await self._accounts.add_unless_taken(change)
        return await self._sessions.start_session(account, device)

    async def sign_in(
        self, email: str, password: str, device: Device, *, device_token: str = ""
    ) -> SignedIn | SecondFactorAsked:
        """Start a session with an email and a password, or ask for the second factor.

        Every attempt counts before it is hashed, whatever its outcome, so that concurrent attempts,
        also at other replicas, count like sequential ones. An unknown email is hashed and counted
        the same way. An attempt counts only if there is room in the queue of hashes. What a device
        token is worth depends on the account, which is therefore read first if there is one.

        Raises:
            BadRequest: The email is unknown or the password is wrong.
            TooManyRequests: Too many attempts for this email or from this address.
        """
        normal_email = normalize_email(email)
        account = await self._accounts.find_by_email(email) if device_token else None
        account_id = "" if account is None else account.id
        browser_id = self._device_tokens.verify(device_token, account_id, normal_email)
        client = (
            HashClient(f"browser:{browser_id}", is_known_browser=True)
            if browser_id
            else HashClient(device.network)
        )
        self._passwords.require_capacity(client)
        limits = self._sign_in_limits(normal_email, device.network, browser_id)
        await self._attempt_limiter.record_attempt(*limits)
        if not device_token:
            account = await self._accounts.find_by_email(email)
        stored_hash = account.password_hash if account else None
        is_valid, new_hash = await self._passwords.check(password, stored_hash, client=client)
        if account is None or not is_valid:
            raise BadRequest("Invalid credentials")
        if new_hash is not None:
            old, new = account.password_hash, new_hash
            await self._accounts.update(account.id, lambda account: account.rehash(old, new))
        if account.second_factor.is_asked(self._clock()):
            return SecondFactorAsked(account.id)
        return await self._sessions.start_session_in_browser(account, device, device_token)

    def _sign_in_limits(
        self, account: str, address: str, browser_id: str | None
    ) -> tuple[RateLimit, ...]:
        """Return the limits of a sign-in, the narrowest first.

        An address exhausts what it may try on one account before it exhausts what all addresses
        together may, so it cannot lock out the owner elsewhere. Browsers that have signed in to
        the account before are counted apart from all others.
        """
        settings = self._settings
        if browser_id is None:
            known = ""
            narrowest = RateLimit(
                f"account-address:{account}:{address}", settings.sign_ins_per_account_and_address
            )
        else:
            known = "known-"
            narrowest = RateLimit(f"browser:{browser_id}", settings.sign_ins_per_known_browser)
        return (
            narrowest,
            RateLimit(f"{known}account:{account}", settings.sign_ins_per_account),
            RateLimit(f"{known}address:{address}", settings.sign_ins_per_address),
        )
