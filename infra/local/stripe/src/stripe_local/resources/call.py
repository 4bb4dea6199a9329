"""The context of an API call, and the description of an operation."""

from collections.abc import Callable
from dataclasses import dataclass, field

from stripe_local.documents import Document
from stripe_local.errors import invalid, missing
from stripe_local.ledger import Ledger
from stripe_local.settings import Settings
from stripe_local.store import Store
from stripe_local.webhooks.events import Cause, Events

_METADATA_KEYS = 50
_METADATA_KEY_LENGTH = 40
_METADATA_VALUE_LENGTH = 500


@dataclass(frozen=True)
class Call:
    """A call in progress: the id in its path, its parameters, and its caller."""

    store: Store
    ledger: Ledger
    events: Events
    settings: Settings
    id: str = ""
    params: Document = field(default_factory=Document)
    is_browser: bool = False
    cause: Cause = field(default_factory=Cause)
    account: str | None = None  # the connected account that the call is made for

    def emit(self, kind: str, subject: Document) -> None:
        """Emit an event about an object."""
        self.events.emit(kind, subject, self.cause)

    def scoped(self, kind: str) -> str:
        """Return a kind as it is stored for the account of this call."""
        return f"{self.account}/{kind}" if self.account else kind

    def load_object(self, kind: str) -> Document:
        """Return the object with the id in the path.

        Raises:
            StripeError: there is none.
        """
        found = self.store.get(self.id, self.scoped(kind))
        if found is None:
            raise missing(kind, self.id)
        return found


@dataclass(frozen=True)
class Operation:
    """An API method, the type of its parameters, and the names of those that are supported."""

    method: str
    path: str
    run: Callable[[Call], Document]
    params_type: str | type
    supported_params: frozenset[str] = frozenset()
    public: bool = False  # whether a publishable key may call it
    connected: bool = False  # whether it can be called for a connected account

    @property
    def is_v2(self) -> bool:
        """Whether it belongs to version 2 of the API."""
        return self.path.startswith("/v2/")


def merge_metadata(document: Document, params: Document) -> Document:
    """Merge metadata into an object as Stripe does: an empty value removes a key."""
    given = params.get("metadata")
    if given is None:
        return document
    merged = {**document["metadata"], **given} if given else {}
    metadata = {name: value for name, value in merged.items() if value not in {"", None}}
    if len(metadata) > _METADATA_KEYS:
        raise invalid(f"Metadata is limited to {_METADATA_KEYS} keys.", "metadata")
    for name, value in metadata.items():
        if len(name) > _METADATA_KEY_LENGTH or len(value) > _METADATA_VALUE_LENGTH:
            raise invalid(
                f"Metadata keys can have {_METADATA_KEY_LENGTH} characters, values "
                f"{_METADATA_VALUE_LENGTH}.",
                f"metadata[{name}]",
            )
    document["metadata"] = metadata
    return document
