"""Which service subscribes to which stream, as `common.apidocs.nats` found in its listeners.

The permissions of each service at NATS and the durable consumers follow from it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

FILE: Final = "subscriptions.json"


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The streams of each service.

    Attributes:
        durable: those whose events one replica of the service handles.
        every_replica: those whose events each of its processes handles.
        filters: the first words of the subjects that a durable consumer gets, by its name, unless
            it gets the whole stream.
    """

    durable: Mapping[str, Sequence[str]]
    every_replica: Mapping[str, Sequence[str]]
    filters: Mapping[str, Sequence[str]]


def load_subscriptions() -> Subscriptions:
    """Return the generated subscriptions."""
    text = resources.files("common.messaging").joinpath(FILE).read_text(encoding="utf-8")
    return Subscriptions(**json.loads(text))


def durable_name(service: str, stream: str) -> str:
    """Return the name of a service's durable consumer, which is part of the contract."""
    return f"{service}-{stream}"
