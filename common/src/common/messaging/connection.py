"""The connection to NATS that the bus and its consumers share."""

import contextlib
from dataclasses import dataclass
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.errors import APIError, BadRequestError

NATS_ERRORS: Final = (nats.errors.Error, APIError, TimeoutError, OSError)
DEAD_LETTERS: Final = "dead-letters"
"""The stream of events that could not be handled."""
STORED: Final = "stored"
"""The first word of the subjects on which the server publishes an event again once it is stored."""
_NO_SUITABLE_PEERS: Final = 10005
"""A cluster's answer while too few of its servers are up for another copy of a stream."""


def unavailability_reason(error: Exception) -> str | None:
    """Return why NATS or JetStream is not available yet, or None if waiting would not help."""
    is_refused = isinstance(error, BadRequestError) and error.err_code != _NO_SUITABLE_PEERS
    return repr(error) if isinstance(error, NATS_ERRORS) and not is_refused else None


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to NATS on behalf of one service; its names carry the namespace's prefix."""

    client: Client
    js: JetStreamContext
    service: str
    namespace: str = ""

    def subject(self, subject: str) -> str:
        """Return the subject with the namespace's prefix."""
        return f"{self.namespace}.{subject}" if self.namespace else subject

    def stream(self, stream: str) -> str:
        """Return the stream name with the namespace's prefix."""
        return f"{self.namespace}-{stream}" if self.namespace else stream

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription, if the connection is up."""
        if self.client.is_connected:
            with contextlib.suppress(*NATS_ERRORS):
                await subscription.unsubscribe()
