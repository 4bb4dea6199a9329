"""A copy of a release's files with changeable versions, and the playbook to deploy it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
THREE_NODES = "infra/k8s-prod/three-nodes"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")  # pytest's own environment


def kubectl(*arguments: str, check: bool = True) -> str:
    result = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, check=False)
    if check and result.returncode:
        raise AssertionError(f"kubectl {' '.join(arguments)}: {result.stderr}")
    return result.stdout


class Release:
    """A copy of a release's files, so that a test can change its versions."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("infra/k8s", "infra/k8s-prod", THREE_NODES):
            (root / folder).mkdir(parents=True)
            for manifest in (ROOT / folder).glob("*.yaml"):
                (root / folder / manifest.name).write_text(
                    _downgrade_api_versions(manifest.read_text())
                )
        for version in [
            *ROOT.glob("services/*/deploy/version.json"),
            ROOT / "client/deploy/version.json",
        ]:
            copy = root / version.relative_to(ROOT)
            copy.parent.mkdir(parents=True)
            shutil.copy(version, copy)

    def bump(self, name: str, version: str) -> None:
        folder = "client" if name == "client" else f"services/{name}"
        (self.root / folder / "deploy/version.json").write_text(json.dumps({"version": version}))

    def deploy(
        self, rollout_timeout: str = "60s", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                PLAYBOOK,
                ROOT / "infra/ansible/deploy.yml",
                *("-e", f"root={self.root}", "-e", "registry=registry.test/ticketing"),
                *("-e", f"rollout_timeout={rollout_timeout}"),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ
            | {"ANSIBLE_LOCALHOST_WARNING": "False", "ANSIBLE_NOCOLOR": "1"}
            | environment,
        )


def _downgrade_api_versions(manifest: str) -> str:
    """Use the beta versions of three APIs if the API server is too old for their present ones."""
    if "policy/v1\n" not in kubectl("api-versions"):
        manifest = manifest.replace("apiVersion: policy/v1\n", "apiVersion: policy/v1beta1\n")
        manifest = manifest.replace("autoscaling/v2\n", "autoscaling/v2beta2\n")
        manifest = manifest.replace("batch/v1\n", "batch/v1beta1\n")
    return manifest


def render_three_nodes(release: Release) -> str:
    """Return what docs/deploy.md pipes into `kubectl apply`."""
    folder = str(release.root / THREE_NODES)
    return kubectl("kustomize", "--load-restrictor=LoadRestrictionsNone", folder)
