"""The OpenAPI documents: one per service, and one that merges them.

The client's types are generated from the first, and `/api/docs` shows the second. The apps are
created and never run, so no server is needed.
"""

import json
import os
from pathlib import Path
from typing import Any, Final

from common.apidocs.routes import COMBINED_OPENAPI
from common.operations.cli import create_app

DOCUMENTED_SERVICES: Final = ("auth", "tickets", "orders", "payments")

PLACEHOLDERS: Final = {
    "MONGO_URI": "mongodb://nowhere.invalid/none",
    "NATS_URL": "nats://nowhere.invalid",
    "JWT_KEY": "no session is ever signed with this",
    "STRIPE_KEY": "sk_test_none",
    "LETTER_KEY": "0" * 64,
    "VAULT_KEY": "0" * 64,
    "FINGERPRINT_KEY": "0" * 64,
}
"""Required settings, which are never used to connect."""

INTRODUCTION: Final = """A marketplace for single tickets.

Every error of every service is `{"errors": [{"message", "field"?}]}`. Writes accept an
`Idempotency-Key`, and single resources have an `ETag`. Every response has an `X-Request-Id`: the
one you sent, if valid. Include it in support requests.
"""


def service_openapi(service: str) -> dict[str, Any]:
    """Return a service's OpenAPI document."""
    os.environ.update(PLACEHOLDERS)
    return create_app(service).openapi()


def merge_documents(documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Merge the documents of the services.

    Raises:
        ValueError: two services have different schemas of one name.
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
                raise ValueError(f"{service} has another schema named {name}")
        security |= document["components"]["securitySchemes"]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ticketing", "version": "1.0.0", "description": INTRODUCTION},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": security},
    }


def to_json(document: dict[str, Any]) -> str:
    """Format a document as indented JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def render_files(folder: Path) -> dict[Path, str]:
    """Return the content of each file."""
    documents = {service: service_openapi(service) for service in DOCUMENTED_SERVICES}
    contents = {
        folder / f"{service}.json": to_json(document) for service, document in documents.items()
    }
    return {**contents, COMBINED_OPENAPI: to_json(merge_documents(documents))}
