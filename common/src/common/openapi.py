"""Writes the OpenAPI documents that the web client's types are generated from.

    python -m common.openapi docs/openapi

The apps are made, never run: whatever they would connect to may be missing.
"""

import argparse
import importlib
import json
import os
from pathlib import Path
from typing import Final

from common.operate import Operable

DOCUMENTED: Final = ("auth", "tickets", "orders", "payments")

PLACEHOLDERS: Final = {
    "MONGO_URI": "mongodb://nowhere.invalid/none",
    "NATS_URL": "nats://nowhere.invalid",
    "JWT_KEY": "no session is ever signed with this",
    "STRIPE_KEY": "sk_test_none",
}
"""What a service insists on; nothing is opened with it."""


def document(service: str) -> str:
    """Give a service's OpenAPI document as JSON, the same for the same code."""
    module: Operable = importlib.import_module(f"{service}.app")  # pyright: ignore[reportAssignmentType]
    return json.dumps(module.create().openapi(), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write every service's document into a folder."""
    os.environ.update(PLACEHOLDERS)
    folder.mkdir(parents=True, exist_ok=True)
    for service in DOCUMENTED:
        (folder / f"{service}.json").write_text(document(service), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)
