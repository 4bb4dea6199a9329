"""The AsyncAPI 3 document of the events.

The source is `common.events` and each service's `listeners()`. A test compares the written file.
"""

import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from common.apidocs.openapi import to_json
from common.events import EVENT_TYPES, stream_of
from common.messaging.bus import Handlers
from common.messaging.declarations import DUPLICATE_WINDOW_SECONDS, MAX_AGE_SECONDS
from common.messaging.subscriptions import durable_name

CONSUMING_SERVICES: Final = ("auth", "expiration", "orders", "payments", "tickets")
HEADERS: Final = {
    "type": "object",
    "description": "CloudEvents 1.0, NATS binding, binary mode",
    "required": ["Nats-Msg-Id", "ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject"],
    "properties": {
        "Nats-Msg-Id": {
            "type": "string",
            "description": "The event's id, by which the stream deduplicates",
        },
        "ce-specversion": {"const": "1.0"},
        "ce-id": {"type": "string", "description": "subject:aggregate:version"},
        "ce-source": {"type": "string", "description": "/service"},
        "ce-type": {"type": "string", "description": "dev.ticketing.<subject>"},
        "ce-subject": {"type": "string", "description": "The aggregate's id"},
        "ce-time": {"type": "string", "format": "date-time"},
        "content-type": {"const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C Trace Context"},
        "x-request-id": {
            "type": "string",
            "description": "The HTTP request that started the chain of events",
        },
    },
}


def handlers_of(listeners: ModuleType) -> Handlers:
    """Return the handlers of a service. Its parts are missing: only a handler would use them."""
    parts = len(inspect.signature(listeners.listeners).parameters)
    return listeners.listeners(*[None] * parts)


def consumers_by_event() -> dict[str, list[str]]:
    """Return the consuming services of each event, from the handlers in their `listeners()`."""
    consumers: dict[str, list[str]] = {event.__name__: [] for event in EVENT_TYPES}
    for service in CONSUMING_SERVICES:
        module = importlib.import_module(f"{service}.listeners")
        for event in handlers_of(module):
            consumers[event.__name__].append(service)
    return consumers


def build_document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    _, schemas = models_json_schema(
        [(event, "serialization") for event in EVENT_TYPES],
        ref_template="#/components/schemas/{model}",
    )
    consumers = consumers_by_event()
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for event in EVENT_TYPES:
        name, stream = event.__name__, stream_of(event)
        messages[name] = {
            "name": f"dev.ticketing.{event.subject}",
            "title": (event.__doc__ or "").split("\n")[0],
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/Headers"},
            "payload": {"$ref": f"#/components/schemas/{name}"},
            "correlationId": {"location": "$message.header#/traceparent"},
        }
        channels[name] = {
            "address": event.subject,
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "x-jetstream": {
                "stream": stream,
                "duplicateWindowSeconds": DUPLICATE_WINDOW_SECONDS,
                "maxAgeSeconds": MAX_AGE_SECONDS,
            },
        }
        channel = {"$ref": f"#/channels/{name}"}
        operations[f"{stream}Publishes{name}"] = {"action": "send", "channel": channel}
        for service in consumers[name]:
            operations[f"{service}Receives{name}"] = {
                "action": "receive",
                "channel": channel,
                "x-jetstream": {"durable": durable_name(service, stream)},
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ticketing: events",
            "version": "1.0.0",
            "description": "Each event carries the whole public state of its aggregate and its "
            "version. Fields are only ever added, and only as optional.",
        },
        "defaultContentType": "application/json",
        "servers": {"nats": {"host": "nats:4222", "protocol": "nats"}},
        "channels": channels,
        "operations": operations,
        "components": {"schemas": {**schemas["$defs"], "Headers": HEADERS}, "messages": messages},
    }


def render_files(folder: Path) -> dict[Path, str]:
    """Return the content of each file."""
    return {folder / "asyncapi.json": to_json(build_document())}
