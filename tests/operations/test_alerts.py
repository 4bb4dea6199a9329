"""Alert rules: promtool tests, scenarios, runbooks, and the metrics they query."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from alerts.scenarios import SCENARIOS
from prometheus_client.parser import text_string_to_metric_families

from support.api_user import signed_in_user
from support.system import System
from ticketing_local.api_user import ApiUser
from ticketing_local.stack.ports import SERVICES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "observability"
METRIC_NAME = re.compile(r"\b(?:[a-z]+_)+[a-z]+\b(?=[\[{)\s]|$)")
PROMQL_FUNCTIONS = {"histogram_quantile"}
ONLY_WHEN_IT_HAPPENS = {"up"}

RULES = (FOLDER / "alerts.yml").read_text()
ALERTS = re.findall(r"- alert: (\w+)", RULES)
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana/dashboards/ticketing.json").read_text())


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool comes with Debian's prometheus")
def test_alert_rules_pass_promtool() -> None:
    result = subprocess.run(
        ["promtool", "test", "rules", "alerts.test.yml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_has_scenario_unit_test_and_runbook(alert: str) -> None:
    description = (SCENARIOS[alert].__doc__ or "").rstrip(".")
    assert f"\n| {alert} | {description} | " in (ROOT / "docs" / "operations.md").read_text()
    assert f"alertname: {alert}\n" in (FOLDER / "alerts.test.yml").read_text()
    assert f"runbook: docs/operations.md#{alert.lower()}\n" in RULES
    assert f"\n### {alert}\n" in (ROOT / "docs" / "operations.md").read_text()


async def test_alerts_and_dashboards_query_existing_metrics(system: System) -> None:
    buyer = await ApiUser.sign_up(system.address, "buyer")
    await buyer.pay(await buyer.order(await (seller := signed_in_user(system.address)).sell()))
    exported: set[str] = set()
    async with httpx.AsyncClient(trust_env=False) as http:
        for name in (*SERVICES, "worker"):
            response = await http.get(f"http://127.0.0.1:{system.port[name]}/metrics")
            for family in text_string_to_metric_families(response.text):
                kinds = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}
                ends = kinds.get(family.type, ("",))
                exported |= {family.name + end for end in ends}
    expressions = [
        target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())
    ]
    expressions.append(
        "\n".join(re.findall(r"expr: (?:\|\n)?((?:.|\n)*?)(?=\n +(?:for|labels):)", RULES))
    )
    names = {
        name for expression in expressions for name in METRIC_NAME.findall(expression)
    } - PROMQL_FUNCTIONS
    assert len(names) > 15
    assert names <= exported, names - exported
    await buyer.close()
    await seller.close()
