"""What payments erases when an account is deleted. It can be repeated."""

from common.events import UserDeleted
from common.web.idempotency import forget_user
from payments.decline_limits import DeclineLimits
from payments.store.account_replicas import AccountReplicas


class UserDeletion:
    """Erases what is stored of a deleted user, but for the charges, which name an id."""

    def __init__(self, limits: DeclineLimits, accounts: AccountReplicas) -> None:
        self._limits = limits
        self._accounts = accounts

    async def erase(self, event: UserDeleted) -> None:
        """Delete the keys of requests, the counter of declines and the copy of the account."""
        await forget_user(event.id)
        await self._limits.forget_account(event.id)
        await self._accounts.delete(event.id)
