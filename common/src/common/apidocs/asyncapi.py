"""Writes what the services tell each other: an AsyncAPI 3 document, and a page to read it on.

    python -m common.apidocs.asyncapi docs/events

Both come from `common.events` and from each service's own listeners, so they cannot be out of date
without a test saying so.
"""

import argparse
import ast
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from common.events import ALL, Event, stream_of
from common.messaging.bus import DUPLICATE_WINDOW, MAX_AGE

SERVICES: Final = Path(__file__).parents[4] / "services"
HEADERS: Final = {
    "type": "object",
    "description": "CloudEvents 1.0, NATS binding, binary mode",
    "required": ["Nats-Msg-Id", "ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject"],
    "properties": {
        "Nats-Msg-Id": {"type": "string", "description": "The event's id: stored once per id"},
        "ce-specversion": {"const": "1.0"},
        "ce-id": {"type": "string", "description": "subject:aggregate:version"},
        "ce-source": {"type": "string", "description": "/service"},
        "ce-type": {"type": "string", "description": "dev.ticketing.<subject>"},
        "ce-subject": {"type": "string", "description": "The aggregate's id"},
        "ce-time": {"type": "string", "format": "date-time"},
        "content-type": {"const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C Trace Context"},
        "x-request-id": {"type": "string", "description": "The request that it all began with"},
    },
}


def heard_by() -> dict[str, list[str]]:
    """Tell which services handle which event, from the functions in their `listeners()`."""
    heard: dict[str, list[str]] = {event.__name__: [] for event in ALL}
    for file in sorted(SERVICES.glob("*/src/*/listeners.py")):
        for function in ast.parse(file.read_text()).body:
            if not isinstance(function, ast.FunctionDef) or function.name != "listeners":
                continue
            for inner in ast.walk(function):
                if isinstance(inner, ast.AsyncFunctionDef) and inner.name.startswith("on_"):
                    name = ast.unparse(inner.args.args[0].annotation or ast.Constant(""))
                    heard[name].append(file.parent.name)
    return heard


def document() -> dict[str, Any]:
    """Give the AsyncAPI document, the same for the same code."""
    _, schemas = models_json_schema(
        [(event, "serialization") for event in ALL], ref_template="#/components/schemas/{model}"
    )
    heard = heard_by()
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for event in ALL:
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
                "duplicateWindowSeconds": DUPLICATE_WINDOW,
                "maxAgeSeconds": MAX_AGE,
            },
        }
        on = {"$ref": f"#/channels/{name}"}
        operations[f"{stream}Publishes{name}"] = {"action": "send", "channel": on}
        for service in heard[name]:
            operations[f"{service}Hears{name}"] = {
                "action": "receive",
                "channel": on,
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


def page(described: Mapping[str, Any]) -> str:
    """Render the document for people: what is told, by whom, to whom, with which fields."""
    heard = heard_by()
    schemas = described["components"]["schemas"]
    parts = [f"<p>{html.escape(described['info']['description'])}"]
    for event in ALL:
        name = event.__name__
        hearers = ", ".join(heard[name]) or "every process"
        title = html.escape(described["components"]["messages"][name]["title"])
        parts.append(
            f'<h2 id="{event.subject}"><code>{event.subject}</code></h2><p>{title} '
            f"By <b>{stream_of(event)}</b>, heard by {hearers}.{_fields(event, schemas)}"
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
        return " or ".join(_type(one, schemas) for one in field["anyOf"])
    if "$ref" in field:
        named = schemas[field["$ref"].rpartition("/")[2]]
        if "enum" in named:
            return " | ".join(named["enum"])
        return "{" + ", ".join(named["properties"]) + "}"
    return " ".join(filter(None, [field.get("type", ""), field.get("format", "")]))


def files(folder: Path) -> dict[Path, str]:
    """Say what has to be in which file."""
    described = document()
    written = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    return {folder / "asyncapi.json": written, folder / "index.html": page(described)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    to = parser.parse_args().folder
    to.mkdir(parents=True, exist_ok=True)
    for path, wanted in files(to).items():
        path.write_text(wanted, encoding="utf-8")
