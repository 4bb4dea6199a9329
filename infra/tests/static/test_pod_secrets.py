"""Each container reads only the secrets that it uses, and no manifest contains one."""

import re
from collections.abc import Iterator
from typing import Any, cast

import yaml
from manifests import NAME, ROOT, SERVICES, Manifest, of_kind, read, template

MANIFESTS = [*read("k8s"), *read("k8s-dev")]
WORKLOADS = of_kind(MANIFESTS, "Deployment", "StatefulSet", "CronJob")
SESSION = {"jwt-secret/JWT_KEY", "jwt-secret/JWT_KEY_PREVIOUS"}
LETTERS = {"letter-secret/LETTER_KEY"}
VAULT = {f"vault-secret/{key}" for key in ("VAULT_KEY", "VAULT_KEY_PREVIOUS", "FINGERPRINT_KEY")}
STRIPE = {
    f"stripe-secret/{key}"
    for key in (
        *("STRIPE_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_PUBLISHABLE_KEY"),
        *("STRIPE_API_BASE", "STRIPE_JS_URL"),
    )
}


USERS = {f"{user}_PASSWORD" for user in ("ADMIN", "OPERATOR", *map(str.upper, SERVICES))}


def own(service: str) -> set[str]:
    """Return the passwords of a service's own users."""
    return {f"{store}-secret/{service.upper()}_PASSWORD" for store in ("mongo", "nats")}


EXPECTED: dict[str, set[str]] = {
    "auth/auth": own("auth") | SESSION | LETTERS,
    "auth-mailer/auth": own("auth") | LETTERS | {"smtp-secret/SMTP_URL"},
    "tickets/tickets": own("tickets") | SESSION | VAULT,
    "orders/orders": own("orders") | SESSION,
    "payments/payments": own("payments") | SESSION | STRIPE,
    "payments-reconciliation/payments": {
        *("mongo-secret/PAYMENTS_PASSWORD", "stripe-secret/STRIPE_KEY"),
        "stripe-secret/STRIPE_API_BASE",
    },
    "expiration/expiration": own("expiration") | {"redis-secret/REDIS_PASSWORD"},
    "expiration-worker/expiration": own("expiration") | {"redis-secret/REDIS_PASSWORD"},
    "expiration-redis/redis": {"redis-secret/REDIS_PASSWORD"},
    "nats/nats": {f"nats-secret/{password}" for password in USERS},
    "nats-set-up/tickets": {"nats-secret/ADMIN_PASSWORD"},
    "stripe/stripe": {"stripe-secret/STRIPE_KEY", "stripe-secret/STRIPE_WEBHOOK_SECRET"},
    **{f"{service}-mongo/mongod": {"mongo-secret/KEYFILE"} for service in SERVICES},
    **{
        f"{service}-mongo/set-up": {
            *("mongo-secret/ADMIN_PASSWORD", "mongo-secret/OPERATOR_PASSWORD"),
            f"mongo-secret/{service.upper()}_PASSWORD",
        }
        for service in SERVICES
    },
}


def references(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every reference to a key of a secret."""
    if isinstance(value, dict):
        for key, inner in cast("Manifest", value).items():
            if key == "secretKeyRef":
                yield inner
            assert key not in {"secretRef", "secret"}, "this would share the whole secret"
            yield from references(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from references(inner)


def containers() -> Iterator[tuple[str, Manifest]]:
    for workload in WORKLOADS:
        spec = template(workload)["spec"]
        name = template(workload)["metadata"]["labels"][NAME]
        for container in (*spec.get("initContainers", []), *spec["containers"]):
            yield f"{name}/{container['name']}", container
        assert not list(references(spec.get("volumes", [])))


def test_container_refers_only_to_the_secrets_it_reads() -> None:
    found = {
        name: {f"{ref['name']}/{ref['key']}" for ref in references(container)}
        for name, container in containers()
    }
    assert {name: keys for name, keys in found.items() if keys} == EXPECTED


def test_no_manifest_contains_a_secret() -> None:
    assert not of_kind(MANIFESTS, "Secret")
    for name, container in containers():
        for variable in container.get("env", []):
            is_secret = re.search(r"PASSWORD|KEYFILE|_KEY\b|SECRET", variable["name"])
            assert not (is_secret and "value" in variable), f"{name}: {variable['name']}"
    for config in of_kind(MANIFESTS, "ConfigMap"):
        for key in config["data"]:
            assert not re.search(r"PASSWORD|KEYFILE|_KEY\b|SECRET", key), key


def required_keys() -> dict[str, set[str]]:
    """Return the keys without which a pod does not start, by secret."""
    required: dict[str, set[str]] = {}
    for _, container in containers():
        for ref in references(container):
            if not ref.get("optional"):
                required.setdefault(ref["name"], set()).add(ref["key"])
    return required


def test_playbook_checks_every_required_key() -> None:
    (play,) = yaml.safe_load((ROOT / "infra/ansible/deploy.yml").read_text())
    variables = play["vars"]
    required_secrets: dict[str, list[str] | str] = variables["required_secrets"]
    checked: dict[str, set[str]] = {}
    for secret, keys in required_secrets.items():
        passwords: list[str] = variables["passwords"] if "passwords" in keys else []
        listed: list[str] = keys if isinstance(keys, list) else re.findall(r"'(\w+)'", keys)
        checked[secret] = {*passwords, *listed}
    required = required_keys()
    required["stripe-secret"] -= {"STRIPE_WEBHOOK_SECRET"}  # of the local Stripe server only
    assert checked == required


def test_cluster_and_compose_run_the_same_set_up_script() -> None:
    (scripts,) = [m for m in of_kind(MANIFESTS, "ConfigMap") if "set-up.js" in m["data"]]
    assert scripts["data"]["set-up.js"] == (ROOT / "infra/mongo/set-up.js").read_text()


COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_compose_process_mounts_only_its_own_secrets() -> None:
    mounted: dict[str, set[str]] = {}
    for name, service in COMPOSE.items():
        if name != "init-secrets":
            volumes = {volume.partition(":")[0] for volume in service.get("volumes", [])}
            mounted[name] = {v for v in volumes if v == "secrets" or v.endswith("-secrets")}
    expected = {
        name: {f"{name}-secrets"} for name in (*SERVICES, "stripe", "redis", "nats", "nats-set-up")
    }
    expected["expiration-worker"] = {"expiration-secrets"}
    expected["auth-mailer"] = {"auth-mailer-secrets"}
    for service in SERVICES:
        expected[f"{service}-mongo"] = {"mongo-secrets"}
        expected[f"{service}-mongo-set-up"] = {"mongo-set-up-secrets"}
    assert {name: volumes for name, volumes in mounted.items() if volumes} == expected
