"""Rules of the second factor: signing in with the password asks for a passkey as well.

    off --> required --> removal announced --> off (72 hours later)
              ^                 |
              +--- cancelled ---+

Instead of a passkey, a recovery code can be used, each once. Who has lost both announces the
removal after a reset of the password by mail. The wait gives the owner time to cancel it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from common.errors import BadRequest

REMOVAL_DELAY: Final = timedelta(hours=72)
RESET_VALIDITY: Final = timedelta(hours=1)
"""How long after a reset of the password by mail a removal can be announced."""
MAX_CODES: Final = 10


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Whether an account asks for a second factor, and how its owner gets in without a passkey.

    Attributes:
        is_required: whether the owner has chosen it.
        removal_at: when it is no longer required, if its removal was announced.
        recovery_codes: digests of the codes that were not used yet.
    """

    is_required: bool = False
    removal_at: datetime | None = None
    recovery_codes: tuple[str, ...] = ()

    def is_asked(self, now: datetime) -> bool:
        """Return whether signing in with the password asks for it."""
        return self.is_required and (self.removal_at is None or now < self.removal_at)

    def pending_removal(self, now: datetime) -> datetime | None:
        """Return when it will no longer be required, if its removal was announced."""
        return self.removal_at if self.is_asked(now) else None

    def require(self, now: datetime) -> "SecondFactor":
        """Require it. An announced removal stays."""
        return self if self.is_asked(now) else replace(self, is_required=True, removal_at=None)

    def turn_off(self) -> "SecondFactor":
        """Require it no longer."""
        return replace(self, is_required=False, removal_at=None)

    def replace_codes(self, digests: Sequence[str]) -> "SecondFactor":
        """Replace all recovery codes."""
        return replace(self, recovery_codes=tuple(digests[:MAX_CODES]))

    def use_code(self, digest: str) -> "SecondFactor":
        """Use up a recovery code.

        Raises:
            BadRequest: there is no such code, or it was used.
        """
        if digest not in self.recovery_codes:
            raise BadRequest("This code is wrong, or was used already", field="code")
        left = tuple(one for one in self.recovery_codes if one != digest)
        return replace(self, recovery_codes=left)

    def announce_removal(
        self, now: datetime, *, password_reset_at: datetime | None
    ) -> "SecondFactor":
        """Announce the removal. A second announcement does not move it.

        Args:
            now: the present time.
            password_reset_at: when a letter was used to choose the present password, if so.

        Raises:
            BadRequest: it is not required, or the password was not just chosen by a letter.
        """
        if not self.is_asked(now):
            raise BadRequest("Your account asks for no second step")
        if password_reset_at is None or now >= password_reset_at + RESET_VALIDITY:
            raise BadRequest("Choose a new password by mail first")
        return self if self.removal_at else replace(self, removal_at=now + REMOVAL_DELAY)

    def cancel_removal(self, now: datetime) -> "SecondFactor":
        """Cancel an announced removal, unless it has taken place."""
        return replace(self, removal_at=None) if self.is_asked(now) else self
