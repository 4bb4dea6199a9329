"""How long the end of a session is announced."""

from datetime import timedelta
from typing import Final

REVOCATION_TTL: Final = timedelta(minutes=16)
"""The lifetime of an access token, and one minute for clock skew and responses in transit."""
