"""The make targets, run with fake programs that record their arguments."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from manifests import ROOT

FAKE_PROGRAM = """#!/bin/sh
program=$(basename "$0")
echo "$program $*" >>"$CALLS"
case "$program $3 $4" in
  "kubectl create secret") cat >>"$STDIN" ;;
  "kubectl get secret") exit "${FOUND:-1}" ;;
esac
exit 0
"""


class MakeRunner:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file, self.stdin_file = folder / "calls", folder / "stdin"
        for program in ("docker", "kind", "kubectl", "skaffold", "mkcert"):
            path = folder / program
            path.write_text(FAKE_PROGRAM)
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.output = ""

    def make(self, *arguments: str, **environment: str) -> list[str]:
        result = subprocess.run(
            ["make", "--silent", "-f", ROOT / "infra/cluster.mk", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(("STRIPE_", "MAKE"))},
                "PATH": f"{self.folder}:{os.environ['PATH']}",
                "CALLS": str(self.calls_file),
                "STDIN": str(self.stdin_file),
                **environment,
            },
        )
        self.output = result.stdout + result.stderr
        assert result.returncode == 0, self.output
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def make_runner(tmp_path: Path) -> MakeRunner:
    return MakeRunner(tmp_path)


def test_kind_up_creates_the_cluster_from_its_file(make_runner: MakeRunner) -> None:
    assert make_runner.make("kind-up") == [
        "kind get clusters",
        "kind create cluster --config infra/kind/cluster.yaml",
        "kubectl config use-context kind-ticketing",
    ]


def test_kind_down_removes_that_cluster_only(make_runner: MakeRunner) -> None:
    assert make_runner.make("kind-down") == ["kind delete cluster --name ticketing"]


def test_ingress_up_installs_a_fixed_release_and_waits(make_runner: MakeRunner) -> None:
    apply, wait = make_runner.make("ingress-up")
    assert "/controller-v1.15.1/" in apply
    assert "rollout status deployment/ingress-nginx-controller" in wait


def test_kload_imgs_loads_every_image_that_compose_builds(make_runner: MakeRunner) -> None:
    (load,) = make_runner.make("kload-imgs")
    built = {
        line.split()[-1]
        for line in (ROOT / "docker-compose.yml").read_text().splitlines()
        if "image:" in line and "ticketing/" in line
    }
    assert set(load.split()[5:]) == built


def test_apply_dev_applies_unchanged_manifests(make_runner: MakeRunner) -> None:
    apply, wait = make_runner.make("apply-dev")
    assert apply == "kubectl apply -f infra/k8s/ -f infra/k8s-dev/"
    assert "rollout status" in wait


def test_skdev_runs_skaffold(make_runner: MakeRunner) -> None:
    assert make_runner.make("skdev") == ["skaffold dev"]


def test_hosts_prints_every_host_of_the_ingress(make_runner: MakeRunner) -> None:
    make_runner.make("hosts")
    assert make_runner.output == "127.0.0.1 ticketing.dev stripe.ticketing.dev\n"


def test_secrets_are_random_and_not_in_arguments(make_runner: MakeRunner) -> None:
    calls = make_runner.make("secrets")
    made_secrets = dict(
        line.split("=", 1) for line in make_runner.stdin_file.read_text().splitlines()
    )
    assert len(made_secrets["JWT_KEY"]) == len(made_secrets["ORDERS_PASSWORD"]) == 64
    assert made_secrets["STRIPE_KEY"] == "sk_test_local"
    assert made_secrets["STRIPE_API_BASE"] == "http://stripe-srv:12111"
    assert not any(made_secrets["JWT_KEY"] in call for call in calls)


def test_stripe_keys_replace_local_ones(make_runner: MakeRunner) -> None:
    keys = {
        "STRIPE_KEY": "sk_test_1",
        "STRIPE_WEBHOOK_SECRET": "whsec_1",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_1",
    }
    make_runner.make("secrets", **keys)
    made_secrets = dict(
        line.split("=", 1) for line in make_runner.stdin_file.read_text().splitlines()
    )
    assert {key: value for key, value in made_secrets.items() if "STRIPE" in key} == keys


def test_existing_secrets_are_kept(make_runner: MakeRunner) -> None:
    calls = make_runner.make("secrets", FOUND="0")
    assert not any(" create " in call for call in calls)
    assert make_runner.output.count("unchanged") == 3
