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
  "kubectl create secret" | "kubectl patch secret") cat >>"$STDIN" ;;
  "kind --name ticketing") [ "$2" = nodes ] && echo "${NODES:-}" ;;
  "kubectl get secret") echo "${KEYS:-}"; exit "${FOUND:-1}" ;;
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
    apply, configure, wait = make_runner.make("ingress-up")
    assert "/controller-v1.15.1/" in apply
    assert configure == "kubectl apply -f infra/k8s-prod/ingress-nginx/config.yaml"
    assert "rollout status deployment/ingress-nginx-controller" in wait


def test_kload_imgs_loads_every_image_that_compose_builds(make_runner: MakeRunner) -> None:
    load = make_runner.make("kload-imgs")[0]
    built = {
        line.split()[-1]
        for line in (ROOT / "docker-compose.yml").read_text().splitlines()
        if "image:" in line and "ticketing/" in line
    }
    assert set(load.split()[5:]) == built


def test_kload_imgs_pulls_every_pinned_image_into_each_node(make_runner: MakeRunner) -> None:
    calls = make_runner.make("kload-imgs", NODES="ticketing-control-plane ticketing-worker")
    pinned = {
        line.split()[-1]
        for file in (ROOT / "infra/k8s").glob("*.yaml")
        for line in file.read_text().splitlines()
        if "image:" in line and "@sha256:" in line
    }
    assert len(pinned) >= 4
    for node in ("ticketing-control-plane", "ticketing-worker"):
        begin = f"docker exec {node} crictl pull "
        pulled = [call.removeprefix(begin) for call in calls if call.startswith(begin)]
        assert sorted(pulled) == sorted(pinned)


def test_apply_dev_applies_unchanged_manifests(make_runner: MakeRunner) -> None:
    apply, wait = make_runner.make("apply-dev")
    assert apply == "kubectl apply -f infra/k8s/ -f infra/k8s-dev/"
    assert "rollout status" in wait


def test_skdev_runs_skaffold(make_runner: MakeRunner) -> None:
    assert make_runner.make("skdev") == ["skaffold dev"]


def test_hosts_prints_every_host_of_the_ingress(make_runner: MakeRunner) -> None:
    make_runner.make("hosts")
    assert make_runner.output == "127.0.0.1 ticketing.dev stripe.ticketing.dev\n"


def created(make_runner: MakeRunner) -> dict[str, list[str]]:
    """Return the values that were sent to kubectl, by key."""
    found: dict[str, list[str]] = {}
    for line in make_runner.stdin_file.read_text().splitlines():
        key, _, value = line.partition("=")
        found.setdefault(key, []).append(value)
    return found


def test_secrets_are_random_and_not_in_arguments(make_runner: MakeRunner) -> None:
    calls = make_runner.make("secrets")
    values = created(make_runner)
    given = ("STRIPE", "SMTP")
    generated = [value for key in values for value in values[key] if not key.startswith(given)]
    assert len(values["AUTH_PASSWORD"]) == 2, "one for MongoDB, one for NATS"
    assert all(len(value) == 64 for value in generated)
    assert len(set(generated)) == len(generated)
    assert values["STRIPE_KEY"] == ["sk_test_local"]
    assert values["STRIPE_API_BASE"] == ["http://stripe-srv:12111"]
    assert not any(value in call for value in generated for call in calls)


def test_stripe_keys_replace_local_ones(make_runner: MakeRunner) -> None:
    keys = {
        "STRIPE_KEY": "sk_test_1",
        "STRIPE_WEBHOOK_SECRET": "whsec_1",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_1",
    }
    make_runner.make("secrets", **keys)
    values = created(make_runner)
    assert {key: values[key] for key in values if "STRIPE" in key} == {
        key: [value] for key, value in keys.items()
    }


USERS = ("ADMIN", "OPERATOR", "AUTH", "TICKETS", "ORDERS", "EXPIRATION", "PAYMENTS")
ALL_KEYS = " ".join([*(f"{user}_PASSWORD" for user in USERS), "KEYFILE", "REDIS_PASSWORD"])
ALL_KEYS += " VAULT_KEY FINGERPRINT_KEY"


def test_existing_secrets_are_kept(make_runner: MakeRunner) -> None:
    calls = make_runner.make("secrets", FOUND="0", KEYS=ALL_KEYS)
    assert not any(" create " in call or " patch " in call for call in calls)
    assert make_runner.output.count("unchanged") == 8


def test_missing_key_is_added_to_an_existing_secret(make_runner: MakeRunner) -> None:
    keys = ALL_KEYS.replace("ORDERS_PASSWORD ", "")
    calls = make_runner.make("secrets", FOUND="0", KEYS=keys)
    patched = [call.split()[5] for call in calls if " patch " in call]
    assert patched == ["mongo-secret", "nats-secret"]
    patches = make_runner.stdin_file.read_text().split("stringData:")[1:]
    assert [patch.split()[0] for patch in patches] == ["ORDERS_PASSWORD:"] * 2
