"""What a person can do with an account: verify it, get back in, and change its credentials."""

from dataclasses import dataclass

from auth.common_passwords import WARNING, require_good_password
from auth.domain import credentials
from auth.domain.account import Account
from auth.domain.credentials import INVALID_LINK
from auth.domain.letter import Letter, LetterKind
from auth.domain.session import Device
from auth.emails import normalize_email
from auth.letter_links import LetterLinks
from auth.passwords import HashClient, PasswordHasher
from auth.session_service import Reauthenticated, SessionService, SignedIn
from auth.settings import Settings
from auth.store.accounts import AccountStore
from auth.store.attempts import AttemptLimiter, RateLimit
from auth.store.letters import LetterStore, ResetRequestStore
from common.auth.tokens import User
from common.errors import BadRequest, Unauthorized
from common.values.clock import Clock
from common.values.ids import is_id


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """An account as its owner sees it."""

    account: Account
    password_warning: str | None


class AccountService:
    """Verifies, resets and changes the credentials of accounts."""

    def __init__(
        self,
        *,
        settings: Settings,
        accounts: AccountStore,
        letters: LetterStore,
        reset_requests: ResetRequestStore,
        attempt_limiter: AttemptLimiter,
        passwords: PasswordHasher,
        sessions: SessionService,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._letters = letters
        self._reset_requests = reset_requests
        self._attempt_limiter = attempt_limiter
        self._passwords = passwords
        self._sessions = sessions
        self._links = LetterLinks(settings.letter_key)
        self._clock = clock

    async def get(self, user: User) -> AccountDetails:
        """Return the account of a user.

        Raises:
            Unauthorized: it does not exist.
        """
        account = await self._require_account(user)
        return AccountDetails(account, WARNING if account.has_common_password else None)

    async def choose_language(self, user: User, language: str) -> AccountDetails:
        """Set the language of letters."""
        await self._require_account(user)
        await self._accounts.update(user.id, lambda account: account.choose_language(language))
        return await self.get(user)

    async def request_verification(self, user: User) -> None:
        """Ask for another letter that verifies the address.

        Raises:
            BadRequest: the address is verified.
            TooManyRequests: too many letters were asked for.
        """
        await self._require_account(user)
        await self._record_letter(user.id)
        now = self._clock()
        await self._accounts.update(
            user.id, lambda account: credentials.request_verification(account, now)
        )

    async def verify(self, letter_id: str, token: str) -> None:
        """Verify an address, or change to it, by the link of a letter.

        Raises:
            BadRequest: the link is not valid, or the address now has another account.
        """
        letter, version, _ = await self._find_letter(
            letter_id, token, LetterKind.VERIFY, LetterKind.EMAIL_VERIFY
        )
        now, address = self._clock(), letter.address
        if letter.kind is LetterKind.VERIFY or address is None:
            await self._accounts.update(
                letter.user_id, lambda account: credentials.verify(account, version, now)
            )
        else:
            await self._accounts.update_unless_taken(
                letter.user_id,
                address,
                lambda account: credentials.change_email(account, address, version, now),
            )

    async def request_reset(self, email: str, device: Device) -> None:
        """Ask for a letter to choose a new password.

        It does the same work whether or not the address has an account: the mailer looks for it.

        Raises:
            TooManyRequests: too many letters were asked for.
        """
        settings = self._settings
        await self._attempt_limiter.record_attempt(
            RateLimit(f"reset:{normalize_email(email)}", settings.letters_per_account),
            RateLimit(f"reset-from:{device.network}", settings.resets_per_address),
        )
        await self._reset_requests.add(email, self._clock())

    async def reset_password(
        self, letter_id: str, token: str, password: str, device: Device
    ) -> None:
        """Choose a new password by the link of a letter. All sessions of the account end.

        It starts no session, and does not affect the one of the browser, which may be that of
        somebody else.

        Raises:
            BadRequest: the password is easy to guess, or the link is not valid.
        """
        letter, version, email = await self._find_letter(letter_id, token, LetterKind.RESET)
        require_good_password(password, email)
        password_hash = await self._passwords.hash(password, client=HashClient(device.network))
        now = self._clock()
        await self._sessions.end_sessions_by(
            letter.user_id,
            lambda account: credentials.reset_password(account, password_hash, version, now),
        )

    async def change_password(
        self, user: User, old_password: str, password: str, device: Device
    ) -> SignedIn:
        """Change the password. All sessions end, and a new one starts.

        Raises:
            BadRequest: the old password is wrong, or the new one is easy to guess.
            TooManyRequests: too many attempts.
        """
        require_good_password(password, user.email)
        account = await self._check_password(user, old_password, field="oldPassword")
        client = HashClient(f"user:{user.id}", is_known_browser=True)
        password_hash = await self._passwords.hash(password, client=client)
        now = self._clock()
        changed = await self._sessions.end_sessions_by(
            account.id,
            lambda current: credentials.change_password(
                current, password_hash, is_common=False, now=now
            ),
        )
        return await self._sessions.start_session(changed, device)

    async def request_email(self, user: User, email: str, password: str | None) -> None:
        """Ask for a change of the address. It changes when the new one is verified.

        It responds the same if the address has an account; then the link does not work. Without
        `password` the caller has checked that the user gave it, or a passkey, a short time ago.

        Raises:
            BadRequest: the password is wrong, or it is the present address.
            TooManyRequests: too many attempts, or letters.
        """
        if password is None:
            await self._require_account(user)
        else:
            await self._check_password(user, password, field="password")
        await self._record_letter(user.id)
        now = self._clock()
        await self._accounts.update(
            user.id, lambda account: credentials.request_email(account, email, now)
        )

    async def reauthenticate(self, user: User, password: str) -> Reauthenticated:
        """Record that a user has given the password again.

        Raises:
            BadRequest: the password is wrong.
            TooManyRequests: too many attempts.
            Unauthorized: the session has ended.
        """
        await self._check_password(user, password, field="password")
        return await self._sessions.reauthenticate(user)

    async def _require_account(self, user: User) -> Account:
        account = await self._accounts.find(user.id)
        if account is None:
            raise Unauthorized
        return account

    async def _check_password(self, user: User, password: str, *, field: str) -> Account:
        """Return the account of a user who has typed its password.

        Raises:
            BadRequest: it is wrong.
            TooManyRequests: too many attempts.
        """
        account = await self._require_account(user)
        client = HashClient(f"user:{user.id}", is_known_browser=True)
        self._passwords.require_capacity(client)
        limit = RateLimit(f"password:{user.id}", self._settings.sign_ins_per_known_browser)
        await self._attempt_limiter.record_attempt(limit)
        is_valid, _ = await self._passwords.check(password, account.password_hash, client=client)
        if not is_valid:
            raise BadRequest("The password is wrong", field=field)
        return account

    async def _record_letter(self, user_id: str) -> None:
        limit = RateLimit(f"letters:{user_id}", self._settings.letters_per_account)
        await self._attempt_limiter.record_attempt(limit)

    async def _find_letter(
        self, letter_id: str, token: str, *kinds: LetterKind
    ) -> tuple[Letter, int, str]:
        """Return the letter of a link, its version of the credentials, and the present address.

        Raises:
            BadRequest: the link is not valid, or its time is over.
        """
        if is_id(letter_id) and self._links.is_valid(letter_id, token):
            letter = await self._letters.find(letter_id)
            if letter is not None and letter.kind in kinds and letter.is_link_valid(self._clock()):
                version = letter.credentials_version
                account = await self._accounts.find(letter.user_id)
                if version is not None and account is not None:
                    return letter, version, account.email
        raise BadRequest(INVALID_LINK)
