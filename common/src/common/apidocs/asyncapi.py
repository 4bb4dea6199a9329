"""Writes the AsyncAPI 3 document of the events, and an HTML page of it.

    python -m common.apidocs.asyncapi docs/events

The source is `common.events` and each service's `listeners()`. A test compares the written files.
"""

import argparse
import html
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from common.events import EVENT_TYPES, Event, stream_of
from common.messaging.bus import DUPLICATE_WINDOW_SECONDS, MAX_AGE_SECONDS

CONSUMING_SERVICES: Final = ("expiration", "orders", "payments", "tickets")
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


def consumers_by_event() -> dict[str, list[str]]:
    """Return the consuming services of each event, from the handlers in their `listeners()`."""
    consumers: dict[str, list[str]] = {event.__name__: [] for event in EVENT_TYPES}
    for service in CONSUMING_SERVICES:
        module = importlib.import_module(f"{service}.listeners")
        for event in module.listeners(None):  # only a handler would use the service
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
                "x-jetstream": {"durable": f"{service}-{stream}"},
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


STYLE: Final = (
    "body{font:15px/1.5 system-ui;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:2px 8px;"
    "border-bottom:1px solid #8884;vertical-align:top}code{font-size:90%}"
    "@media(prefers-color-scheme:dark){body{background:#14181d;color:#dde3ea}}"
)


def render_page(document: Mapping[str, Any]) -> str:
    """Render the document as an HTML page."""
    consumers = consumers_by_event()
    schemas = document["components"]["schemas"]
    parts = [f"<p>{html.escape(document['info']['description'])}"]
    for event in EVENT_TYPES:
        name = event.__name__
        consumer_names = ", ".join(consumers[name]) or "every process"
        title = html.escape(document["components"]["messages"][name]["title"])
        parts.append(
            f'<h2 id="{event.subject}"><code>{event.subject}</code></h2><p>{title} '
            f"Published by <b>{stream_of(event)}</b>, consumed by {consumer_names}."
            f"{_fields(event, schemas)}"
        )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Ticketing: events</title>'
        f"<style>{STYLE}</style><h1>Events</h1>{''.join(parts)}</html>\n"
    )


def _fields(event: type[Event], schemas: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{name}</code><td>{html.escape(_type(field, schemas))}"
        for name, field in schemas[event.__name__]["properties"].items()
    )
    return f"<table><tr><th>field<th>type{rows}</table>"


def _type(field: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(option, schemas) for option in field["anyOf"])
    if "$ref" in field:
        referenced = schemas[field["$ref"].rpartition("/")[2]]
        if "enum" in referenced:
            return " | ".join(referenced["enum"])
        return "{" + ", ".join(referenced["properties"]) + "}"
    return " ".join(filter(None, [field.get("type", ""), field.get("format", "")]))


def render_files(folder: Path) -> dict[Path, str]:
    """Return the content of each file."""
    document = build_document()
    document_json = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return {folder / "asyncapi.json": document_json, folder / "index.html": render_page(document)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in render_files(folder).items():
        path.write_text(content, encoding="utf-8")
