"""Writes the OpenAPI documents: one per service, and all of them as one.

    python -m common.apidocs.openapi docs/openapi

The client's types are generated from the first, `/api/docs` shows the second. The apps are made,
never run: whatever they would connect to may be missing.
"""

import argparse
import importlib
import json
import os
from pathlib import Path
from typing import Any, Final

from common.apidocs.routes import COMBINED_OPENAPI
from common.operations.cli import ServiceModule

DOCUMENTED_SERVICES: Final = ("auth", "tickets", "orders", "payments")

PLACEHOLDERS: Final = {
    "MONGO_URI": "mongodb://nowhere.invalid/none",
    "NATS_URL": "nats://nowhere.invalid",
    "JWT_KEY": "no session is ever signed with this",
    "STRIPE_KEY": "sk_test_none",
}
"""What a service insists on; nothing is opened with it."""

INTRODUCTION: Final = """A marketplace for single tickets.

Every error, from every service and for every cause, is `{"errors": [{"message", "field"?}]}`.
Writes accept an `Idempotency-Key`; single resources have an `ETag`. Every answer carries an
`X-Request-Id`, yours if you sent a good one: tell it to whoever you ask for help.
"""


def service_openapi(service: str) -> dict[str, Any]:
    """Give a service's OpenAPI document, the same for the same code."""
    os.environ.update(PLACEHOLDERS)
    module: ServiceModule = importlib.import_module(f"{service}.app")  # pyright: ignore[reportAssignmentType]
    return module.create_app().openapi()


def merge_documents(documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Make one document of all.

    Raises:
        ValueError: two services mean different things by one name.
    """
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    security: dict[str, Any] = {}
    for service, document in documents.items():
        for path, path_item in document["paths"].items():
            for operation in path_item.values():
                operation["tags"] = [service]
            paths[path] = path_item
        for name, schema in document["components"]["schemas"].items():
            if schemas.setdefault(name, schema) != schema:
                raise ValueError(f"{service} means another thing by {name}")
        security |= document["components"]["securitySchemes"]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ticketing", "version": "1.0.0", "description": INTRODUCTION},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": security},
    }


def to_json(document: dict[str, Any]) -> str:
    """Write a document as people and diffs like it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def render_files(folder: Path) -> dict[Path, str]:
    """Say what has to be in which file."""
    documents = {service: service_openapi(service) for service in DOCUMENTED_SERVICES}
    contents = {
        folder / f"{service}.json": to_json(document) for service, document in documents.items()
    }
    return {**contents, COMBINED_OPENAPI: to_json(merge_documents(documents))}


def write_files(folder: Path) -> None:
    """Write every file."""
    for path, content in render_files(folder).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write_files(parser.parse_args().folder)
