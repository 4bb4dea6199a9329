"""Who may open a connection to whom: the NetworkPolicies, worked out for every pair of pods."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from manifests import NAME, SERVICES, Manifest, name, of_kind, read, selects, template

CLUSTER = read("k8s")
POLICIES = [policy["spec"] for policy in of_kind(CLUSTER, "NetworkPolicy")]
PODS = {
    name(w).removesuffix("-depl"): template(w)
    for w in of_kind(CLUSTER, "Deployment", "StatefulSet")
}
STRIPE = "203.0.113.7"


def matches(selector: Manifest, labels: Manifest) -> bool:
    assert set(selector) <= {"matchLabels"}, "this test knows no other selector"
    return selects(selector.get("matchLabels", {}), labels)


def peer_is(peer: Manifest, labels: Manifest | None, namespace: str, address: str) -> bool:
    """Whether a peer of a rule is this pod, or, with no labels, this address outside."""
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        inside = [ipaddress.ip_network(net) for net in (block["cidr"], *block.get("except", []))]
        hits = [ipaddress.ip_address(address) in net for net in inside] if address else [False]
        return hits[0] and not any(hits[1:])
    if labels is None:
        return False
    wanted = peer.get("namespaceSelector")
    here = {"kubernetes.io/metadata.name": namespace}
    if wanted is None:
        if namespace != "ticketing":
            return False
    elif not matches(wanted, here):
        return False
    return matches(peer.get("podSelector", {}), labels)


def allowed(
    way: str,
    pod: Manifest,
    other: Manifest | None,
    port: int,
    namespace: str = "ticketing",
    address: str = "",
) -> bool:
    labels = pod["metadata"]["labels"]
    mine = [p for p in POLICIES if matches(p["podSelector"], labels) and way in p["policyTypes"]]
    if not mine:
        return True
    rules = [rule for policy in mine for rule in policy.get(way.lower(), [])]
    side = "from" if way == "Ingress" else "to"
    return any(
        any(
            peer_is(peer, other and other["metadata"]["labels"], namespace, address)
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
        (one, other, port)
        for one, its in PODS.items()
        for other, theirs in PODS.items()
        for port in ports(theirs)
        if allowed("Egress", its, theirs, port) and allowed("Ingress", theirs, its, port)
    }


def expected() -> set[tuple[str, str, int]]:
    users: dict[str, list[str]] = {
        f"{s}-mongo": [s] for s in ("auth", "tickets", "orders", "expiration", "payments")
    }
    users["expiration-mongo"].append("expiration-worker")
    services = ["auth", "tickets", "orders", "expiration", "expiration-worker", "payments"]
    return {
        *(
            (user, mongo, 27017)
            for mongo, all_users in users.items()
            for user in [*all_users, mongo]
        ),
        *((service, "nats", 4222) for service in services),
        ("nats", "nats", 6222),
        *((user, "expiration-redis", 6379) for user in ("expiration", "expiration-worker")),
        *(
            ("gateway", behind, 3000)
            for behind in ("auth", "tickets", "orders", "payments", "client")
        ),
        ("client", "gateway", 8080),
    }


def test_each_part_reaches_what_it_needs_and_nothing_else() -> None:
    assert connections() == expected()


def outside(namespace: str) -> set[str]:
    visitor = {"metadata": {"labels": {NAME: "anything"}}}
    return {
        pod
        for pod, its in PODS.items()
        for port in ports(its)
        if allowed("Ingress", its, visitor, port, namespace)
    }


def test_the_ingress_reaches_what_has_routes() -> None:
    routed = {"auth", "tickets", "orders", "payments", "client", "gateway"}
    assert outside("ingress-nginx") == routed
    assert outside("envoy-gateway-system") == routed


def test_another_namespace_reaches_nothing() -> None:
    assert outside("default") == set()


def test_metrics_and_traces_are_between_the_services_and_monitoring() -> None:
    services = {*SERVICES, "expiration-worker"}
    assert outside("monitoring") == {*services, "nats"}
    collector = {"metadata": {"labels": {NAME: "otel-collector"}}}
    sending = {
        pod for pod, its in PODS.items() if allowed("Egress", its, collector, 4318, "monitoring")
    }
    assert sending == services


def leaves(pod: Any, port: int, address: str) -> bool:
    return allowed("Egress", pod, None, port, address=address)


def test_only_payments_leaves_the_cluster_and_only_for_https() -> None:
    assert {pod for pod, its in PODS.items() if leaves(its, 443, STRIPE)} == {"payments"}
    assert not leaves(PODS["payments"], 80, STRIPE)


def test_payments_does_not_reach_the_clouds_metadata_or_other_machines_inside() -> None:
    assert not any(
        leaves(PODS["payments"], 443, inside)
        for inside in ("169.254.169.254", "10.0.0.1", "192.168.1.1")
    )
