"""Evaluates the NetworkPolicies for every pair of pods."""

import ipaddress
from collections.abc import Iterator
from typing import Any

import yaml
from manifests import NAME, ROOT, SERVICES, Manifest, name, of_kind, read, selects, template

CLUSTER = read("k8s")
POLICIES = [policy["spec"] for policy in of_kind(CLUSTER, "NetworkPolicy")]
PODS = {
    name(w).removesuffix("-depl"): template(w)
    for w in of_kind(CLUSTER, "Deployment", "StatefulSet", "CronJob")
}
STRIPE = "203.0.113.7"
WITH_STRIPE = {"payments", "payments-reconciliation"}


def matches(selector: Manifest, labels: Manifest) -> bool:
    assert set(selector) <= {"matchLabels"}, "this test supports no other selector"
    return selects(selector.get("matchLabels", {}), labels)


def peer_matches(peer: Manifest, labels: Manifest | None, namespace: str, address: str) -> bool:
    """Return whether a rule's peer matches this pod, or this outside address if labels is None."""
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        inside = [ipaddress.ip_network(net) for net in (block["cidr"], *block.get("except", []))]
        hits = [ipaddress.ip_address(address) in net for net in inside] if address else [False]
        return hits[0] and not any(hits[1:])
    if labels is None:
        return False
    namespace_selector = peer.get("namespaceSelector")
    namespace_labels = {"kubernetes.io/metadata.name": namespace}
    if namespace_selector is None:
        if namespace != "ticketing":
            return False
    elif not matches(namespace_selector, namespace_labels):
        return False
    return matches(peer.get("podSelector", {}), labels)


def is_allowed(
    direction: str,
    pod: Manifest,
    other: Manifest | None,
    port: int,
    namespace: str = "ticketing",
    address: str = "",
) -> bool:
    labels = pod["metadata"]["labels"]
    policies = [
        p for p in POLICIES if matches(p["podSelector"], labels) and direction in p["policyTypes"]
    ]
    if not policies:
        return True
    rules = [rule for policy in policies for rule in policy.get(direction.lower(), [])]
    side = "from" if direction == "Ingress" else "to"
    return any(
        any(
            peer_matches(peer, other and other["metadata"]["labels"], namespace, address)
            for peer in rule[side]
        )
        and any(p["port"] == port for p in rule["ports"])
        for rule in rules
    )


def ports(pod: Manifest) -> Iterator[int]:
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", []):
            yield port["containerPort"]


def connections() -> set[tuple[str, str, int]]:
    return {
        (source, target, port)
        for source, source_pod in PODS.items()
        for target, target_pod in PODS.items()
        for port in ports(target_pod)
        if is_allowed("Egress", source_pod, target_pod, port)
        and is_allowed("Ingress", target_pod, source_pod, port)
    }


def expected() -> set[tuple[str, str, int]]:
    users: dict[str, list[str]] = {
        f"{s}-mongo": [s] for s in ("auth", "tickets", "orders", "expiration", "payments")
    }
    users["auth-mongo"].append("auth-mailer")
    users["expiration-mongo"].append("expiration-worker")
    users["payments-mongo"].append("payments-reconciliation")
    services = [*SERVICES, "auth-mailer", "expiration-worker"]
    return {
        *(
            (user, mongo, 27017)
            for mongo, all_users in users.items()
            for user in [*all_users, mongo]
        ),
        *((user, "nats", 4222) for user in (*services, "nats-set-up")),
        ("nats", "nats", 6222),
        *((user, "expiration-redis", 6379) for user in ("expiration", "expiration-worker")),
        *(
            ("gateway", behind, 3000)
            for behind in ("auth", "tickets", "orders", "payments", "client")
        ),
        ("client", "gateway", 8080),
    }


def test_pods_have_exactly_the_expected_connections() -> None:
    assert connections() == expected()


COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
# In Compose the service itself reconciles with Stripe.
IN_COMPOSE = {"expiration-redis": "redis", "payments-reconciliation": "payments"}


def compose_neighbours(container: str) -> set[str]:
    """Return the containers that share a network with this one, apart from `monitoring`."""
    networks = {n: set(s.get("networks", [])) for n, s in COMPOSE["services"].items()}
    own = networks[container] - {"monitoring"}
    return {other for other in networks if other != container and own & networks[other]}


def test_compose_networks_separate_the_tiers() -> None:
    allowed = {
        (IN_COMPOSE.get(source, source), IN_COMPOSE.get(target, target))
        for source, target, _ in expected()
        if source != target
    }
    for source, target in allowed:
        assert target in compose_neighbours(source), f"{source} cannot reach {target}"
    for store in (*(f"{service}-mongo" for service in SERVICES), "redis", "nats"):
        clients = {source for source, target in allowed if target == store}
        peers = compose_neighbours(store)
        assert peers == clients, store
    assert compose_neighbours("client") == {"gateway"}


def test_only_compose_containers_with_outside_peers_have_a_route_out() -> None:
    routed = {
        container
        for container, service in COMPOSE["services"].items()
        if any(
            not (COMPOSE["networks"].get(n) or {}).get("internal")
            for n in service.get("networks", [])
            if n != "monitoring"  # internal, in infra/observability/compose.yml
        )
    }
    assert routed == {"gateway", "payments", "auth-mailer", "stripe"}
    for service in COMPOSE["services"].values():
        assert "networks" in service or "network_mode" in service


def reachable_from_namespace(namespace: str) -> set[str]:
    source = {"metadata": {"labels": {NAME: "anything"}}}
    return {
        pod
        for pod, pod_template in PODS.items()
        for port in ports(pod_template)
        if is_allowed("Ingress", pod_template, source, port, namespace)
    }


def test_ingress_reaches_routed_services_only() -> None:
    routed = {"auth", "tickets", "orders", "payments", "client", "gateway"}
    assert reachable_from_namespace("ingress-nginx") == routed
    assert reachable_from_namespace("envoy-gateway-system") == routed


def test_another_namespace_reaches_nothing() -> None:
    assert reachable_from_namespace("default") == set()


def test_only_services_exchange_telemetry_with_monitoring() -> None:
    services = {*SERVICES, "auth-mailer", "expiration-worker"}
    assert reachable_from_namespace("monitoring") == {*services, "nats"}
    collector = {"metadata": {"labels": {NAME: "otel-collector"}}}
    sending = {
        pod
        for pod, pod_template in PODS.items()
        if is_allowed("Egress", pod_template, collector, 4318, "monitoring")
    }
    assert sending == services


def can_reach(pod: Any, port: int, address: str) -> bool:
    return is_allowed("Egress", pod, None, port, address=address)


def test_only_payments_has_https_egress() -> None:
    reaching = {pod for pod, pod_template in PODS.items() if can_reach(pod_template, 443, STRIPE)}
    assert reaching == WITH_STRIPE
    assert not any(can_reach(PODS[pod], 80, STRIPE) for pod in WITH_STRIPE)


def test_payments_cannot_reach_private_addresses() -> None:
    assert not any(
        can_reach(PODS[pod], 443, inside)
        for pod in WITH_STRIPE
        for inside in ("169.254.169.254", "10.0.0.1", "192.168.1.1")
    )


def test_only_the_mailer_reaches_mail_servers() -> None:
    for port in (25, 465, 587):
        sending = {name for name, pod in PODS.items() if can_reach(pod, port, STRIPE)}
        assert sending == {"auth-mailer"}
    assert not can_reach(PODS["auth-mailer"], 25, "10.0.0.1")
