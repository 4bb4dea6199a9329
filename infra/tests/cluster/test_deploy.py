"""The deploy playbook, run against a real API server."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from release import ROOT, Release, kubectl, render_three_nodes

DEPLOYMENTS = {
    "nats-set-up-depl",
    "auth-depl",
    "auth-mailer-depl",
    "tickets-depl",
    "orders-depl",
    "expiration-depl",
    "expiration-worker-depl",
    "payments-depl",
    "client-depl",
}


def images() -> dict[str, str]:
    listed = json.loads(kubectl("-n", "ticketing", "get", "deployments", "--output=json"))["items"]
    return {
        d["metadata"]["name"]: d["spec"]["template"]["spec"]["containers"][0]["image"]
        for d in listed
        if d["metadata"]["name"] in DEPLOYMENTS
    }


def image_of_job() -> str:
    jobs = json.loads(kubectl("-n", "ticketing", "get", "cronjobs", "--output=json"))["items"]
    (spec,) = [job["spec"]["jobTemplate"]["spec"]["template"]["spec"] for job in jobs]
    return spec["containers"][0]["image"]


def revisions() -> dict[str, str]:
    listed = json.loads(kubectl("-n", "ticketing", "get", "deployments", "--output=json"))["items"]
    return {
        d["metadata"]["name"]: d["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
        for d in listed
    }


def test_deploy_without_secrets_names_the_command(release: Release) -> None:
    result = release.deploy()
    assert result.returncode != 0
    assert "make secrets" in result.stdout


@pytest.mark.usefixtures("secrets")
def test_deploy_names_each_missing_secret_and_key(release: Release) -> None:
    kubectl("-n", "ticketing", "delete", "secret", "redis-secret")
    remove = '[{"op": "remove", "path": "/data/KEYFILE"}]'
    kubectl("-n", "ticketing", "patch", "secret", "mongo-secret", "--type=json", "--patch", remove)

    result = release.deploy()

    assert result.returncode != 0
    assert "KEYFILE in the secret mongo-secret" in result.stdout
    assert "the secret redis-secret" in result.stdout
    assert "jwt-secret" not in result.stdout.partition("Missing: ")[2]


@pytest.mark.usefixtures("secrets")
def test_first_deploy_applies_manifests_and_images(
    release: Release,
) -> None:
    result = release.deploy()
    assert result.returncode == 0, result.stdout + result.stderr
    assert set(images()) == DEPLOYMENTS
    assert images()["auth-depl"] == "registry.test/ticketing/auth:0.1.0"
    assert images()["expiration-worker-depl"] == "registry.test/ticketing/expiration:0.1.0"
    assert "auth-depl: nothing -> registry.test/ticketing/auth:0.1.0" in result.stdout
    assert image_of_job() == "registry.test/ticketing/payments:0.1.0"


@pytest.mark.usefixtures("secrets")
def test_second_deploy_changes_nothing(release: Release) -> None:
    release.deploy()
    before = revisions()
    result = release.deploy()
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"changed=0\b", result.stdout), result.stdout
    assert "No changes: 9 deployments already run this release." in result.stdout
    assert revisions() == before


@pytest.mark.usefixtures("secrets")
def test_changed_version_rolls_out_one_service(release: Release) -> None:
    release.deploy()
    before = revisions()
    release.bump("orders", "0.2.0")
    result = release.deploy()
    assert result.returncode == 0, result.stdout + result.stderr
    assert images()["orders-depl"] == "registry.test/ticketing/orders:0.2.0"
    assert (
        "orders-depl: registry.test/ticketing/orders:0.1.0 -> registry.test/ticketing/orders:0.2.0"
        in result.stdout
    )
    moved = {name for name, revision in revisions().items() if revision != before[name]}
    assert moved == {"orders-depl"}


@pytest.mark.usefixtures("secrets")
def test_changed_manifest_is_applied_without_new_images(release: Release) -> None:
    release.deploy()
    before = images()
    manifest = release.root / "infra/k8s/tickets-depl.yaml"
    manifest.write_text(manifest.read_text().replace("memory: 1Gi", "memory: 1100Mi"))
    result = release.deploy()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The manifests were applied." in result.stdout
    assert images() == before
    assert "400Mi" in kubectl(
        "-n", "ticketing", "get", "deployment", "tickets-depl", "--output=yaml"
    )


@pytest.mark.usefixtures("secrets")
def test_failed_release_is_rolled_back_completely(
    release: Release,
) -> None:
    release.deploy()
    before = images()
    release.bump("auth", "0.3.0")
    release.bump("payments", "0.3.0-broken")
    result = release.deploy(rollout_timeout="8s")
    assert result.returncode != 0
    assert "did not become ready" in result.stdout
    assert "Rolled back: auth-depl, payments-depl" in result.stdout
    assert images() == before
    for name in DEPLOYMENTS:
        kubectl("-n", "ticketing", "rollout", "status", f"deployment/{name}", "--timeout=20s")

    release.bump("auth", "0.1.0")
    release.bump("payments", "0.1.0")
    again = release.deploy()
    assert again.returncode == 0, again.stdout
    assert re.search(r"changed=0\b", again.stdout), again.stdout


@pytest.mark.usefixtures("secrets")
def test_deploy_keeps_stores_on_three_nodes(release: Release) -> None:
    release.deploy()
    three = release.root / "three.yaml"
    three.write_text(render_three_nodes(release))
    kubectl("apply", "--filename", str(three))
    release.bump("orders", "0.2.0")
    result = release.deploy()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The manifests were applied." not in result.stdout
    stores = json.loads(kubectl("-n", "ticketing", "get", "statefulsets", "--output=json"))["items"]
    replicas = {s["metadata"]["name"]: s["spec"]["replicas"] for s in stores}
    assert replicas.pop("expiration-redis") == 1
    assert set(replicas.values()) == {3}
    settings = kubectl("-n", "ticketing", "get", "configmap", "ticketing-config", "--output=yaml")
    assert 'NATS_REPLICAS: "3"' in settings


@pytest.mark.usefixtures("secrets")
def test_deployer_account_has_least_privilege(release: Release, tmp_path: Path) -> None:
    deployer_output = subprocess.run(
        [ROOT / "infra/scripts/deployer-kubeconfig.sh"], capture_output=True, check=True
    )
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_bytes(deployer_output.stdout)

    first = release.deploy(KUBECONFIG=str(kubeconfig))
    assert first.returncode == 0, first.stdout + first.stderr
    release.bump("payments", "0.3.0-broken")
    broken = release.deploy(rollout_timeout="8s", KUBECONFIG=str(kubeconfig))
    assert "Rolled back: payments-depl" in broken.stdout
    assert images()["payments-depl"] == "registry.test/ticketing/payments:0.1.0"

    def can_i(*request: str) -> str:
        return kubectl(f"--kubeconfig={kubeconfig}", "auth", "can-i", *request, check=False).strip()

    assert can_i("patch", "deployments", "--namespace=ticketing") == "yes"
    for other in (
        ("list", "secrets", "--namespace=ticketing"),
        ("delete", "deployments", "--namespace=ticketing"),
        ("create", "pods/exec", "--namespace=ticketing"),
        ("create", "rolebindings", "--namespace=ticketing"),
        ("get", "deployments", "--namespace=kube-system"),
    ):
        assert can_i(*other) == "no", other
