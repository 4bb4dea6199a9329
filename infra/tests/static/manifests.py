"""Readers for the manifests of infra/."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
SERVICES = ("auth", "tickets", "orders", "expiration", "payments")
NAME = "app.kubernetes.io/name"
Manifest = dict[str, Any]


def read(*folders: str) -> list[Manifest]:
    """Return every object in these folders, without subfolders."""
    files = [file for folder in folders for file in sorted((INFRA / folder).glob("*.yaml"))]
    found = [document for file in files for document in yaml.safe_load_all(file.read_text())]
    return [document for document in found if document]


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def name(manifest: Manifest) -> str:
    return manifest["metadata"]["name"]


def template(workload: Manifest) -> Manifest:
    """Return the template of the pods of a workload."""
    spec = workload["spec"]
    return spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]


def selects(selector: Manifest, labels: Manifest) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def nginx_table(configuration: str) -> Iterator[tuple[str, str]]:
    """Yield each prefix of `map $uri $upstream` with its target; "" means that it has none."""
    (table,) = re.findall(r"map \$uri \$upstream \{(.*?)\}", configuration, re.DOTALL)
    for line in table.strip().splitlines():
        pattern, target = line.partition(";")[0].split()
        found = re.fullmatch(r"~\^(.*)\(/\|\$\)", pattern)
        assert found or pattern == "default"
        prefix = str(found[1]) if found else "/"
        yield prefix, target.strip('"').partition(":")[0]
