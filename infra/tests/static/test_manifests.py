"""Rules that all workloads of the cluster must follow."""

import json
import re

import pytest
import yaml
from manifests import NAME, ROOT, SERVICES, Manifest, name, of_kind, read, selects, template

CLUSTER = read("k8s")
WORKLOADS = of_kind([*CLUSTER, *read("k8s-dev")], "Deployment", "StatefulSet")
JOBS = of_kind(CLUSTER, "CronJob")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
STARTUP_SECONDS = 600
each = pytest.mark.parametrize("workload", WORKLOADS, ids=name)
each_with_jobs = pytest.mark.parametrize("workload", [*WORKLOADS, *JOBS], ids=name)


@each_with_jobs
def test_workload_meets_pod_security_restricted(workload: Manifest) -> None:
    spec = template(workload)["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@each_with_jobs
def test_workload_has_resources(workload: Manifest) -> None:
    for container in template(workload)["spec"]["containers"]:
        resources = container["resources"]
        assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}


@each
def test_workload_has_probes(workload: Manifest) -> None:
    for container in template(workload)["spec"]["containers"]:
        assert {"startupProbe", "livenessProbe"} <= set(container)
        if container.get("ports"):
            assert "readinessProbe" in container


@each
def test_probe_starts_no_interpreter(workload: Manifest) -> None:
    for container in template(workload)["spec"]["containers"]:
        for probe in (container[kind] for kind in PROBES if kind in container):
            assert {"httpGet", "tcpSocket"} & set(probe) or probe["exec"]["command"][0] == "test"


@each
def test_startup_probe_waits_ten_minutes_for_what_starts_later(workload: Manifest) -> None:
    for container in template(workload)["spec"]["containers"]:
        probe = container["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] >= STARTUP_SECONDS
    if workload["kind"] == "Deployment":
        assert workload["spec"]["progressDeadlineSeconds"] >= STARTUP_SECONDS


@each
def test_workload_is_spread_with_disruption_budget(workload: Manifest) -> None:
    labels = template(workload)["metadata"]["labels"]
    assert {
        "app.kubernetes.io/name",
        "app.kubernetes.io/component",
        "app.kubernetes.io/part-of",
    } <= set(labels)
    assert selects(workload["spec"]["selector"]["matchLabels"], labels)
    spread = template(workload)["spec"]["topologySpreadConstraints"]
    assert {s["topologyKey"] for s in spread} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    assert all(selects(s["labelSelector"]["matchLabels"], labels) for s in spread)
    budgets = of_kind(CLUSTER, "PodDisruptionBudget")
    if labels["app.kubernetes.io/component"] != "stand-in":
        # A pod with two budgets cannot be evicted at all.
        assert sum(budget_selects(budget, labels) for budget in budgets) == 1


def budget_selects(budget: Manifest, labels: dict[str, str]) -> bool:
    selector = budget["spec"]["selector"]
    expressions = selector.get("matchExpressions", [])
    assert all(expression["operator"] == "In" for expression in expressions)
    return selects(selector.get("matchLabels", {}), labels) and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )


@pytest.mark.parametrize("job", JOBS, ids=name)
def test_job_ends_and_never_runs_twice_at_once(job: Manifest) -> None:
    spec = job["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 0
    assert template(job)["spec"]["restartPolicy"] == "Never"


def test_daily_reconciliation_is_run_by_the_job_only() -> None:
    (payments,) = [each for each in WORKLOADS if name(each) == "payments-depl"]
    (container,) = template(payments)["spec"]["containers"]
    variables = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert variables["PAYMENT_DAILY_RECONCILIATION"] == "false"
    (job,) = JOBS
    (container,) = template(job)["spec"]["containers"]
    assert container["command"][-2:] == ["payments", "reconcile"]


def test_one_budget_covers_all_stores() -> None:
    stores = [template(w)["metadata"]["labels"] for w in WORKLOADS if w["kind"] == "StatefulSet"]
    (budget,) = [
        budget
        for budget in of_kind(CLUSTER, "PodDisruptionBudget")
        if budget_selects(budget, stores[0])
    ]
    assert all(budget_selects(budget, labels) for labels in stores)
    assert budget["spec"]["maxUnavailable"] == 1


def test_development_cluster_requests_little() -> None:
    """kind runs in a machine of two or three cores, with about a core for Kubernetes itself."""
    requests = [
        container["resources"]["requests"]
        for workload in WORKLOADS
        for container in template(workload)["spec"]["containers"]
    ]
    assert sum(int(one["cpu"].removesuffix("m")) for one in requests) <= 500
    assert sum(int(one["memory"].removesuffix("Mi")) for one in requests) <= 2048


@pytest.mark.parametrize("deployment", of_kind(CLUSTER, "Deployment"), ids=name)
def test_rolling_update_drops_no_request(deployment: Manifest) -> None:
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    spec = template(deployment)["spec"]
    (container,) = spec["containers"]
    if not container.get("ports"):
        return  # it serves no requests
    wait = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    requests, rest = 20, 10  # services/Dockerfile's --timeout-graceful-shutdown, DRAIN_SECONDS
    if container["image"].startswith("ticketing/") and "client" not in container["image"]:
        assert spec["terminationGracePeriodSeconds"] >= wait + requests + rest
    else:
        assert spec["terminationGracePeriodSeconds"] > wait


@pytest.mark.parametrize("service", of_kind([*CLUSTER, *read("k8s-dev")], "Service"), ids=name)
def test_service_targets_an_existing_port(service: Manifest) -> None:
    (workload,) = [
        w
        for w in WORKLOADS
        if selects(service["spec"]["selector"], template(w)["metadata"]["labels"])
    ]
    containers = template(workload)["spec"]["containers"]
    names = {port["name"] for c in containers for port in c.get("ports", [])}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= names
    assert service["spec"]["type"] == "ClusterIP"


def test_autoscaled_deployments_set_no_replicas() -> None:
    scaled = {
        s["spec"]["scaleTargetRef"]["name"]
        for s in of_kind(read("k8s-prod"), "HorizontalPodAutoscaler")
    }
    assert not of_kind(CLUSTER, "HorizontalPodAutoscaler")
    assert scaled == {f"{service}-depl" for service in (*SERVICES, "client")}
    for deployment in of_kind(CLUSTER, "Deployment"):
        assert ("replicas" in deployment["spec"]) == (name(deployment) not in scaled)


def test_every_used_secret_is_created_by_make_secrets() -> None:
    text = json.dumps([*WORKLOADS, *JOBS])
    used = set(re.findall(r'"secretKeyRef": \{"name": "([^"]+)"', text))
    script = (ROOT / "infra/scripts/create-secrets.sh").read_text()
    created = set(re.findall(r"^ *(?:create|complete) (\S+)", script, re.MULTILINE))
    assert used <= created
    names = ("jwt", "letter", "smtp", "stripe", "vault", "mongo", "nats", "redis")
    assert created == {f"{name}-secret" for name in names}


def test_compose_and_cluster_use_the_same_stores() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    of_compose = {re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", s["image"]) for s in compose.values()}
    of_cluster = {c["image"] for w in WORKLOADS for c in template(w)["spec"]["containers"]}
    assert of_compose == of_cluster


def test_mongod_retains_no_snapshot_history_in_compose_and_cluster() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].values()
    commands = [str(service.get("command")) for service in compose]
    commands += [str(template(w)["spec"]["containers"][0].get("command")) for w in WORKLOADS]
    mongods = [command for command in commands if "--replSet" in command]
    assert len(mongods) == 2 * len(SERVICES)
    assert all("minSnapshotHistoryWindowInSeconds=0" in command for command in mongods)


@each_with_jobs
def test_image_of_others_is_pinned_by_digest(workload: Manifest) -> None:
    for container in template(workload)["spec"]["containers"]:
        image = container["image"]
        assert image.startswith("ticketing/") or re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", image)


def test_every_service_has_its_own_database() -> None:
    for deployment in of_kind(CLUSTER, "Deployment", "CronJob"):
        for variable in template(deployment)["spec"]["containers"][0].get("env", []):
            if variable["name"] == "MONGO_URI":
                own = (
                    template(deployment)["metadata"]["labels"][NAME]
                    .removesuffix("-worker")
                    .removesuffix("-mailer")
                    .removesuffix("-reconciliation")
                )
                assert variable["value"] == f"mongodb://{own}-mongo-srv/{own}?replicaSet=rs0"
