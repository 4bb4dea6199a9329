"""Five gateway configurations must have the same routes."""

import ast

import pytest
from manifests import INFRA, ROOT, Manifest, name, nginx_table, of_kind, read

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
FILE = "/api/tickets/[0-9a-f]{24}/file"
"""The path of a file, for which the gateways have other limits."""


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
    routes = [
        r for r in of_kind(read("k8s-prod/gateway-api"), "HTTPRoute") if name(r) != "to-https"
    ]
    return {
        (match["path"]["type"], match["path"]["value"]): service(rule["backendRefs"][0]["name"])
        for route in routes
        for rule in route["spec"]["rules"]
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
    assert ingress_paths(folder, "ingress-files") == {
        ("ImplementationSpecific", f"{FILE}$"): "tickets"
    }


def test_gateway_api_has_the_routes() -> None:
    expected = {("PathPrefix", path): to for path, to in TABLE.items()}
    expected |= {("Exact", path): to for path, to in EVENTS.items()}
    assert http_routes() == expected | {("RegularExpression", FILE): "tickets"}


def test_gateways_know_the_path_of_a_file_as_the_service_does() -> None:
    source = (ROOT / "services/tickets/src/tickets/uploads.py").read_text()
    assert f'REQUESTS: Final = re.compile(r"PUT {FILE}")' in source
    for configuration in (
        (INFRA / "compose/nginx.conf").read_text(),
        cluster_gateway_file("nginx.conf"),
    ):
        assert f'location ~ "^{FILE}$" {{' in configuration


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
