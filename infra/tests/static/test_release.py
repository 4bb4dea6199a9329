"""A release image is built once per version, and a released tag never changes."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from manifests import ROOT

REGISTRY = "registry.test/ticketing"

# Fake docker: the registry is a folder with one file per tag, which contains the digest.
DOCKER = """#!/bin/sh
tag() { echo "$TAGS/$(echo "$1" | tr '/:' '__')"; }
case "$2" in
  imagetools) cat "$(tag "$4")" 2>/dev/null || exit 1 ;;
  build)
    shift 2
    while [ $# -gt 0 ]; do
      case $1 in
        --tag) echo "$DIGEST" >"$(tag "$2")"; shift ;;
        --build-arg) echo "$2" >>"$TAGS/arguments"; shift ;;
        --metadata-file) echo "{\\"containerimage.digest\\": \\"$DIGEST\\"}" >"$2"; shift ;;
      esac
      shift
    done ;;
esac
"""


class Checkout:
    """A temporary git repository with the sources of the images, and a fake registry."""

    def __init__(self, folder: Path) -> None:
        self.root, self.tags, self.programs = folder / "root", folder / "tags", folder / "programs"
        for each in (self.root, self.tags, self.programs):
            each.mkdir()
        for path in (
            "infra/scripts",
            "infra/base-images",
            "services/auth",
            "common/src",
            "client/deploy",
        ):
            shutil.copytree(ROOT / path, self.root / path)
        for path in (".dockerignore", "services/Dockerfile", "requirements/auth.txt"):
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, self.root / path)
        docker = self.programs / "docker"
        docker.write_text(DOCKER)
        docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
        self._git("init", "--quiet")
        self.commit()

    def _git(self, *arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments],
            cwd=self.root,
            check=True,
            capture_output=True,
        )

    def commit(self) -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message=x")

    def version(self, version: str) -> None:
        (self.root / "services/auth/deploy/version.json").write_text(
            json.dumps({"version": version})
        )
        self.commit()

    def change(self) -> None:
        with (self.root / "services/auth/src/auth/app.py").open("a") as source:
            source.write("# changed\n")
        self.commit()

    def release(self, digest: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["infra/scripts/build-image.sh", "auth", REGISTRY],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ
            | {
                "PATH": f"{self.programs}:{os.environ['PATH']}",
                "TAGS": str(self.tags),
                "DIGEST": digest,
            },
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.version("1.0.0")
    return made


def test_new_version_is_built_on_pinned_base(
    checkout: Checkout,
) -> None:
    result = checkout.release("sha256:one")
    assert result.stdout == f"{REGISTRY}/auth@sha256:one\n"
    assert (checkout.tags / "registry.test_ticketing_auth_1.0.0").read_text() == "sha256:one\n"
    assert "PYTHON=python:3.13-slim@sha256:" in (checkout.tags / "arguments").read_text()


def test_released_version_of_same_source_is_not_rebuilt(checkout: Checkout) -> None:
    checkout.release("sha256:one")
    again = checkout.release("sha256:two")
    assert (again.returncode, again.stdout) == (0, "")
    assert (checkout.tags / "registry.test_ticketing_auth_1.0.0").read_text() == "sha256:one\n"


def test_released_version_of_changed_source_is_refused(checkout: Checkout) -> None:
    checkout.release("sha256:one")
    checkout.change()
    refused = checkout.release("sha256:two")
    assert refused.returncode == 1
    assert "raise services/auth/deploy/version.json" in refused.stderr
    assert (checkout.tags / "registry.test_ticketing_auth_1.0.0").read_text() == "sha256:one\n"


def test_raised_version_keeps_the_old_image(checkout: Checkout) -> None:
    checkout.release("sha256:one")
    checkout.change()
    checkout.version("1.0.1")
    assert checkout.release("sha256:two").stdout == f"{REGISTRY}/auth@sha256:two\n"
    assert (checkout.tags / "registry.test_ticketing_auth_1.0.0").read_text() == "sha256:one\n"


def test_invalid_version_is_refused(checkout: Checkout) -> None:
    checkout.version("latest")
    assert "latest is not x.y.z" in checkout.release("sha256:one").stderr


# Fake gh: RELEASED is the digest of each file in the releases; an upload is recorded.
GH = """#!/bin/sh
case "$1" in
  api) echo "$RELEASED" ;;
  release) shift 2; echo "$@" >uploaded ;;
esac
"""


class CommonRelease:
    """A built package `common` whose only file has the digest 1a."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built = folder / ".local" / "release"
        script = folder / "infra" / "scripts" / "attach-common.sh"
        gh = folder / "programs" / "gh"
        for parent in (self.built, script.parent, gh.parent):
            parent.mkdir(parents=True)
        shutil.copy2(ROOT / "infra" / "scripts" / script.name, script)
        (self.built / "common-SHA256SUMS").write_text("1a  common-1.0.0.whl\n")
        (self.built / "common-1.0.0.whl").touch()
        gh.write_text(GH)
        gh.chmod(gh.stat().st_mode | stat.S_IXUSR)

    def attach(self, released: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder / 'programs'}:{os.environ['PATH']}"
        return subprocess.run(
            ["infra/scripts/attach-common.sh", "v1.4.0"],
            cwd=self.folder,
            env={"PATH": path, "RELEASED": released},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.mark.parametrize("released", ["", "sha256:1a"])
def test_common_is_attached_to_the_release(tmp_path: Path, released: str) -> None:
    release = CommonRelease(tmp_path)
    assert release.attach(released).returncode == 0
    uploaded = (release.built / "uploaded").read_text().split()
    assert uploaded == ["v1.4.0", "common-1.0.0.whl", "common-SHA256SUMS"]


def test_common_of_a_released_version_with_other_bytes_is_refused(tmp_path: Path) -> None:
    release = CommonRelease(tmp_path)
    refused = release.attach("sha256:2b")
    assert refused.returncode == 1
    assert "raise the version in common/pyproject.toml" in refused.stderr
    assert not (release.built / "uploaded").exists()
