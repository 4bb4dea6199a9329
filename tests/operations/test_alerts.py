"""Each alert fires once in Prometheus' own tests, measures what there is, says what to do."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from alerts.scenarios import PROVOKED
from prometheus_client.parser import text_string_to_metric_families

from support.api_user import Person
from support.system import System
from ticketing_local.stack.ports import SERVICES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "observability"
NAME = re.compile(r"\b(?:[a-z]+_)+[a-z]+\b(?=[\[{)\s]|$)")
WORDS = {"histogram_quantile"}
ONLY_WHEN_IT_HAPPENS = {"up"}

RULES = (FOLDER / "alerts.yml").read_text()
ALERTS = re.findall(r"- alert: (\w+)", RULES)
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana/dashboards/ticketing.json").read_text())


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool comes with Debian's prometheus")
def test_every_alert_is_silent_before_and_fires_once() -> None:
    tested = subprocess.run(
        ["promtool", "test", "rules", "alerts.test.yml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_test_is_provoked_and_says_what_to_do(alert: str) -> None:
    done = (PROVOKED[alert].__doc__ or "").rstrip(".")
    assert f"\n| {alert} | {done} | " in (ROOT / "docs" / "operations.md").read_text()
    assert f"alertname: {alert}\n" in (FOLDER / "alerts.test.yml").read_text()
    assert f"runbook: docs/operations.md#{alert.lower()}\n" in RULES
    assert f"\n### {alert}\n" in (ROOT / "docs" / "operations.md").read_text()


async def test_alerts_and_dashboards_look_at_what_is_measured(system: System) -> None:
    buyer = await Person.signed_up(system.address, "buyer")
    await buyer.pay(await buyer.order(await (seller := Person.known(system.address)).sell()))
    measured: set[str] = set()
    async with httpx.AsyncClient(trust_env=False) as http:
        for name in (*SERVICES, "worker"):
            answer = await http.get(f"http://127.0.0.1:{system.port[name]}/metrics")
            for family in text_string_to_metric_families(answer.text):
                kinds = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}
                ends = kinds.get(family.type, ("",))
                measured |= {family.name + end for end in ends}
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    asked.append(
        "\n".join(re.findall(r"expr: (?:\|\n)?((?:.|\n)*?)(?=\n +(?:for|labels):)", RULES))
    )
    names = {name for expression in asked for name in NAME.findall(expression)} - WORDS
    assert len(names) > 15
    assert names <= measured, names - measured
    await buyer.leave()
    await seller.leave()
