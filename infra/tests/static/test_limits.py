"""The limits of every gateway are those of common/settings.py."""

import ast
import re
from typing import Any

import pytest
from manifests import INFRA, ROOT, Manifest, name, of_kind, read

INGRESS = "nginx.ingress.kubernetes.io/"
COMPOSE = (INFRA / "compose/nginx.conf").read_text()
ENVOY = read("k8s-prod/gateway-api")


def default(setting: str) -> Any:
    """Return the default of a setting of all services."""
    source = ast.parse((ROOT / "common/src/common/settings.py").read_text())
    (value,) = [
        ast.literal_eval(node.value)
        for node in ast.walk(source)
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == setting and node.value
    ]
    return value


RATE = default("address_requests_per_second")
BURST = default("address_burst")
CONNECTIONS = default("address_connections")
BODY_SECONDS = default("body_timeout_seconds")
MAX_FILE_MEBIBYTES = 5
FILE_SECONDS = 120


def test_limits_of_a_file_are_those_of_the_service() -> None:
    source = (ROOT / "services/tickets/src/tickets/uploads.py").read_text()
    assert f"MAX_FILE_BYTES: Final = {MAX_FILE_MEBIBYTES} * 1024 * 1024\n" in source
    assert f"TIMEOUT_SECONDS: Final = {FILE_SECONDS}\n" in source
    assert f"MAX_PAUSE_SECONDS: Final = {BODY_SECONDS}\n" in source


def policy(kind: str, target: str) -> Manifest:
    (found,) = [p for p in of_kind(ENVOY, kind) if p["spec"]["targetRefs"][0]["kind"] == target]
    return found["spec"]


def cluster_gateway() -> str:
    (found,) = [m for m in of_kind(read("k8s"), "ConfigMap") if name(m) == "gateway"]
    return found["data"]["nginx.conf"]


def test_one_address_leaves_places_for_others() -> None:
    assert default("max_in_flight_requests") > CONNECTIONS


def test_compose_limits_addresses_as_the_services_do() -> None:
    assert f"rate={RATE}r/s;" in COMPOSE
    assert f"limit_req zone=requests burst={BURST} nodelay;" in COMPOSE
    assert re.findall(r"limit_conn (\w+) (\d+);", COMPOSE) == [
        ("connections", str(CONNECTIONS)),
        ("streams", str(CONNECTIONS)),
    ]
    assert "limit_req_status  429;" in COMPOSE
    assert "limit_conn_status 429;" in COMPOSE


@pytest.mark.parametrize("configuration", [COMPOSE, cluster_gateway()], ids=["Compose", "cluster"])
def test_nginx_passes_only_complete_requests_on(configuration: str) -> None:
    assert "proxy_request_buffering on;" in configuration
    assert f"client_header_timeout {BODY_SECONDS}s;" in configuration
    assert f"client_body_timeout   {BODY_SECONDS}s;" in configuration
    assert configuration.count("proxy_request_buffering off") == 1
    assert configuration.count("client_max_body_size") == 2


@pytest.mark.parametrize("configuration", [COMPOSE, cluster_gateway()], ids=["Compose", "cluster"])
def test_nginx_passes_only_the_file_of_a_ticket_on_as_it_arrives(configuration: str) -> None:
    (location,) = re.findall(
        r'location ~ "\^/api/tickets/[^"]*/file\$" \{(.*?)\}', configuration, re.DOTALL
    )
    assert "proxy_request_buffering off;" in location
    assert f"client_max_body_size {MAX_FILE_MEBIBYTES}m;" in location


def test_cluster_gateway_marks_no_service_as_down() -> None:
    servers = re.findall(r"server (\w+-srv:\d+) +(max_fails=\d+);", cluster_gateway())
    assert len(servers) == 5
    assert {max_fails for _, max_fails in servers} == {"max_fails=0"}


@pytest.mark.parametrize("folder", ["k8s-dev", "k8s-prod"])
def test_ingress_limits_addresses_as_the_services_do(folder: str) -> None:
    annotations = {
        name(i): i["metadata"].get("annotations", {}) for i in of_kind(read(folder), "Ingress")
    }
    requests, files = annotations["ingress-srv"], annotations["ingress-files"]
    assert requests[f"{INGRESS}proxy-request-buffering"] == "on"
    assert files[f"{INGRESS}proxy-request-buffering"] == "off"
    assert files[f"{INGRESS}proxy-body-size"] == f"{MAX_FILE_MEBIBYTES}m"
    for each in (requests, files):
        assert each[f"{INGRESS}limit-rps"] == str(RATE)
        assert each[f"{INGRESS}limit-burst-multiplier"] == str(BURST // RATE)
    for each in annotations.values():
        if f"{INGRESS}default-backend" not in each:  # of the local Stripe server
            continue
        assert each[f"{INGRESS}limit-connections"] == str(CONNECTIONS)


def test_ingress_controller_limits_the_time_of_a_request() -> None:
    (config,) = read("k8s-prod/ingress-nginx")
    assert config["data"]["client-header-timeout"] == str(BODY_SECONDS)
    assert config["data"]["client-body-timeout"] == str(BODY_SECONDS)
    assert {config["data"][f"limit-{what}-status-code"] for what in ("req", "conn")} == {"429"}


def test_envoy_limits_addresses_as_the_services_do() -> None:
    rules = policy("BackendTrafficPolicy", "Gateway")["rateLimit"]["local"]["rules"]
    sources = [selector["sourceCIDR"] for rule in rules for selector in rule["clientSelectors"]]
    assert {source["value"] for source in sources} == {"0.0.0.0/0", "::/0"}
    assert {source["type"] for source in sources} == {"Distinct"}
    for rule in rules:
        assert rule["limit"] == {"requests": RATE, "unit": "Second"}


def test_envoy_limits_the_time_of_a_request_and_marks_no_pod_as_down() -> None:
    timeouts = policy("ClientTrafficPolicy", "Gateway")["timeout"]["http"]
    assert timeouts["requestReceivedTimeout"] == f"{FILE_SECONDS + 12}s"
    assert timeouts["requestHeadersReceivedTimeout"] == f"{BODY_SECONDS}s"
    for target in ("Gateway", "HTTPRoute"):
        assert "healthCheck" not in policy("BackendTrafficPolicy", target)


def test_envoy_passes_only_the_file_of_a_ticket_on_as_it_arrives() -> None:
    buffered = policy("BackendTrafficPolicy", "HTTPRoute")
    assert [target["name"] for target in buffered["targetRefs"]] == ["ticketing"]
    assert buffered["requestBuffer"] == {"limit": "1Mi"}
    assert buffered["mergeType"] == "StrategicMerge"
    assert "requestBuffer" not in policy("BackendTrafficPolicy", "Gateway")
