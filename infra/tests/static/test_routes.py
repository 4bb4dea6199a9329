"""Five gateway configurations must have the same routes."""

import ast

import pytest
from manifests import INFRA, Manifest, name, nginx_table, of_kind, read

TABLE = {
    "/api/users": "auth",
    "/api/tickets": "tickets",
    "/api/orders": "orders",
    "/api/payments": "payments",
    "/api/docs": "auth",
    "/api": "nowhere",
    "/": "client",
}
EVENTS = {"/api/tickets/events": "tickets", "/api/orders/events": "orders"}


def service(backend: str) -> str:
    return {"gateway-srv": "nowhere"}.get(backend, backend.removesuffix("-srv"))


def ingress_paths(folder: str, ingress: str) -> dict[tuple[str, str], str]:
    (found,) = [i for i in of_kind(read(folder), "Ingress") if name(i) == ingress]
    (rule,) = found["spec"]["rules"]
    return {
        (path["pathType"], path["path"]): service(path["backend"]["service"]["name"])
        for path in rule["http"]["paths"]
    }


def http_routes() -> dict[tuple[str, str], str]:
    (found,) = [
        r
        for r in read("k8s-prod/gateway-api")
        if name(r) == "ticketing" and r["kind"] == "HTTPRoute"
    ]
    return {
        (match["path"]["type"], match["path"]["value"]): service(rule["backendRefs"][0]["name"])
        for rule in found["spec"]["rules"]
        for match in rule["matches"]
    }


def cluster_gateway_file(file: str) -> str:
    (found,) = [m for m in of_kind(read("k8s"), "ConfigMap") if name(m) == "gateway"]
    return found["data"][file]


def test_local_gateway_has_the_routes() -> None:
    source = ast.parse((INFRA / "local/src/ticketing_local/stack/gateway.py").read_text())
    (routes,) = [
        ast.literal_eval(node.value)
        for node in source.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ROUTES"
    ]
    assert routes == {prefix: to for prefix, to in TABLE.items() if prefix.startswith("/api/")}


@pytest.mark.parametrize(
    "configuration",
    [
        pytest.param((INFRA / "compose/nginx.conf").read_text(), id="Compose"),
        pytest.param(cluster_gateway_file("nginx.conf"), id="the cluster's own gateway"),
    ],
)
def test_nginx_has_the_routes(configuration: str) -> None:
    assert {prefix: to or "nowhere" for prefix, to in nginx_table(configuration)} == TABLE


def test_cluster_gateway_has_the_page_for_an_unavailable_client() -> None:
    page = (INFRA / "gateway/unavailable.html").read_text()
    assert cluster_gateway_file("unavailable.html") == page


@pytest.mark.parametrize("folder", ["k8s-dev", "k8s-prod"])
def test_ingress_has_the_routes(folder: str) -> None:
    assert ingress_paths(folder, "ingress-srv") == {
        ("Prefix", path): to for path, to in TABLE.items()
    }
    assert ingress_paths(folder, "ingress-events") == {
        ("Exact", path): to for path, to in EVENTS.items()
    }


def test_gateway_api_has_the_routes() -> None:
    expected = {("PathPrefix", path): to for path, to in TABLE.items()}
    assert http_routes() == expected | {("Exact", path): to for path, to in EVENTS.items()}


def test_dev_and_prod_ingress_differ_only_in_certificate() -> None:
    def without_certificate(folder: str) -> list[Manifest]:
        found = [
            i
            for i in of_kind(read(folder), "Ingress")
            if name(i) not in {"ingress-mail", "ingress-stripe"}
        ]
        for ingress in found:
            ingress["metadata"]["annotations"].pop("cert-manager.io/cluster-issuer", None)
        return found

    assert without_certificate("k8s-dev") == without_certificate("k8s-prod")
