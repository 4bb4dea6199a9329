"""What an account may do, as operators decide it on the command line."""

from auth.domain import access
from auth.domain.account import Account
from auth.session_service import SessionService
from auth.store.accounts import AccountStore
from common.errors import NotFound
from common.values.clock import Clock
from common.values.ids import is_id


class AccessService:
    """Grants and revokes roles, and suspends accounts. Each change ends the account's sessions.

    The actor and the reason are in the audit log of the account (`acting_as`).
    """

    def __init__(self, accounts: AccountStore, sessions: SessionService, clock: Clock) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._clock = clock

    async def find(self, id_or_email: str) -> Account:
        """Return an account.

        Raises:
            NotFound: there is none of this id or address.
        """
        if is_id(id_or_email):
            account = await self._accounts.find(id_or_email)
        else:
            account = await self._accounts.find_by_email(id_or_email)
        if account is None:
            raise NotFound("There is no such account")
        return account

    async def grant(self, user_id: str, role: str) -> Account:
        """Grant a role to a user."""
        now = self._clock()
        return await self._sessions.end_sessions_by(
            user_id, lambda account: access.grant_role(account, role, now)
        )

    async def revoke(self, user_id: str) -> Account:
        """Revoke the role of a user."""
        now = self._clock()
        return await self._sessions.end_sessions_by(
            user_id, lambda account: access.revoke_role(account, now)
        )

    async def suspend(self, user_id: str, reason: str) -> Account:
        """Suspend a user, who then cannot list, order or pay."""
        now = self._clock()
        return await self._sessions.end_sessions_by(
            user_id, lambda account: access.suspend(account, reason, now)
        )

    async def reinstate(self, user_id: str) -> Account:
        """End the suspension of a user."""
        now = self._clock()
        return await self._sessions.end_sessions_by(
            user_id, lambda account: access.reinstate(account, now)
        )
