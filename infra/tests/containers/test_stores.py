"""MongoDB and NATS scale to three members with the configuration from the manifests."""

import json
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from system import ROOT

MONGO = "mongo:8.0"
NATS = "nats:2.12-alpine"


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=check)


def from_manifests(file: str, config_map: str, key: str) -> str:
    documents = yaml.safe_load_all((ROOT / file).read_text())
    (found,) = [
        d for d in documents if d["kind"] == "ConfigMap" and d["metadata"]["name"] == config_map
    ]
    return found["data"][key]


class Pods:
    """Containers with the host names of a StatefulSet's pods, in their own network."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.network = f"{name}-{uuid.uuid4().hex[:8]}"
        self._name = name
        self._options = arguments
        docker("network", "create", self.network)

    def start(self, n: int, *command: str) -> None:
        pod = f"{self._name}-{n}"
        docker(
            *("run", "--detach", "--name", self.container(n), "--hostname", pod),
            *("--network", self.network, "--network-alias", f"{pod}.{self._name}-srv"),
            *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--env", f"POD_NAME={pod}"),  # noqa: S108 - inside the container
            *self._options,
            *command,
        )

    def container(self, n: int) -> str:
        return f"{self.network}-{n}"

    def run(self, n: int, *command: str) -> subprocess.CompletedProcess[str]:
        return docker("exec", self.container(n), *command, check=False)

    def wait_until_succeeds(self, n: int, *command: str, seconds: float = 90) -> str:
        """Run a probe repeatedly until it passes, as Kubernetes does."""
        deadline = time.monotonic() + seconds
        while True:
            result = self.run(n, *command)
            if result.returncode == 0:
                return result.stdout
            assert time.monotonic() < deadline, result.stdout + result.stderr
            time.sleep(1)

    def remove(self, n: int) -> None:
        docker("rm", "--force", "--volumes", self.container(n), check=False)

    def remove_all(self) -> None:
        for n in range(3):
            self.remove(n)
        docker("network", "rm", self.network, check=False)


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[Pods]:
    script = tmp_path / "set-up.js"
    script.write_text(from_manifests("infra/k8s/00-config.yaml", "mongo-scripts", "set-up.js"))
    mounted = ("--volume", f"{script}:/etc/mongo/set-up.js:ro")
    variables = [f"--env={name}={value}" for name, value in PASSWORDS.items()]
    pods = Pods(
        *("auth-mongo", "--user", "999:999", "--env", "HOME=/tmp", "--env", "SERVICE=auth"),
        *(*variables, *mounted, MONGO),
    )
    yield pods
    pods.remove_all()


PASSWORDS = {
    name: uuid.uuid4().hex
    for name in ("KEYFILE", "ADMIN_PASSWORD", "OPERATOR_PASSWORD", "SERVICE_PASSWORD")
}


def mongod_command() -> tuple[str, ...]:
    """Return the command of the manifest."""
    documents = yaml.safe_load_all((ROOT / "infra/k8s/auth-mongo-depl.yaml").read_text())
    (stateful_set,) = [d for d in documents if d["kind"] == "StatefulSet"]
    return tuple(stateful_set["spec"]["template"]["spec"]["containers"][0]["command"])


def start_member(pods: Pods, n: int) -> None:
    """Start mongod, and run its set-up until it has finished."""
    pods.start(n, *mongod_command())
    member = f"--env=MEMBER=auth-mongo-{n}.auth-mongo-srv"
    command = ("mongosh", "--quiet", "--nodb", "/etc/mongo/set-up.js")
    docker("exec", member, pods.container(n), "timeout", "120", *command)


def evaluate(pods: Pods, n: int, expression: str, user: str = "admin") -> object:
    password = PASSWORDS["ADMIN_PASSWORD" if user == "admin" else "SERVICE_PASSWORD"]
    address = f"mongodb://{user}:{password}@127.0.0.1/?authSource=admin&directConnection=true"
    script = f"print(JSON.stringify({expression}))"
    result = pods.run(n, "mongosh", "--quiet", address, "--eval", script)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


MEMBERS = "rs.status().members.map((m) => m.stateStr).sort()"


def test_mongodb_scales_to_three_and_recovers_a_lost_disk(
    mongo: Pods,
) -> None:
    start_member(mongo, 0)
    assert evaluate(mongo, 0, MEMBERS) == ["PRIMARY"]
    evaluate(mongo, 0, "db.getSiblingDB('auth').t.insertOne({a: 1}).acknowledged", "auth")

    for n in (1, 2):
        start_member(mongo, n)
    assert evaluate(mongo, 0, MEMBERS) == ["PRIMARY", "SECONDARY", "SECONDARY"]

    mongo.remove(0)
    start_member(mongo, 0)
    assert evaluate(mongo, 1, "rs.conf().members.length") == 3
    stored = "db.getMongo().setReadPref('nearest') || db.getSiblingDB('auth').t.countDocuments()"
    assert evaluate(mongo, 0, stored, "auth") == 1
    anonymous = mongo.run(0, "mongosh", "--quiet", "--eval", "db.getSiblingDB('auth').t.findOne()")
    assert "requires authentication" in anonymous.stdout + anonymous.stderr


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Pods]:
    configuration = tmp_path / "nats.conf"
    three = "infra/k8s-prod/three-nodes/nats.yaml"
    configuration.write_text(from_manifests(three, "nats", "nats.conf"))
    accounts = tmp_path / "accounts.conf"
    accounts.write_text(
        from_manifests("infra/k8s/nats-accounts.yaml", "nats-accounts", "accounts.conf")
    )
    mounted = [
        f"--volume={file}:/etc/nats/ticketing/{file.name}:ro" for file in (configuration, accounts)
    ]
    variables = re.findall(r"\$(NATS_\w+_PASSWORD)", accounts.read_text())
    passwords = [f"--env={variable}=none" for variable in variables]
    pods = Pods("nats", *mounted, *passwords, "--tmpfs", "/data", NATS)
    yield pods
    pods.remove_all()


def test_nats_cluster_survives_losing_one_server(nats: Pods) -> None:
    options = ("--config", "/etc/nats/ticketing/nats.conf")
    health_check = ("wget", "-q", "-O", "-", "http://127.0.0.1:8222/healthz")
    for n in range(3):
        nats.start(n, *options)
    for n in range(3):
        nats.wait_until_succeeds(n, *health_check)

    def leader() -> str:
        shown = nats.wait_until_succeeds(
            1, "wget", "-q", "-O", "-", "http://127.0.0.1:8222/jsz?leader-only=0"
        )
        return json.loads(shown)["meta_cluster"].get("leader", "")

    assert leader() in {"nats-0", "nats-1", "nats-2"}
    nats.remove(0)
    deadline = time.monotonic() + 30
    while leader() not in {"nats-1", "nats-2"}:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    nats.wait_until_succeeds(1, *health_check)
