"""A Prometheus with our alert rules, whose times are shortened."""

import asyncio
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import httpx

from common.testing.polling import eventually
from ticketing_local.errors import CliError
from ticketing_local.stack.paths import ROOT
from ticketing_local.testing.free_ports import free_port

RULES: Final = ROOT / "infra" / "observability" / "alerts.yml"
SCRAPE_SECONDS: Final = 4
"""Longer than the timeout of the state metrics, so that scrapes succeed while a store is down."""


def alert_names() -> list[str]:
    """Return the names of all alerts."""
    return re.findall(r"- alert: (\w+)", RULES.read_text())


def shorten_windows(rules: str, hold: str, window: str) -> str:
    """Replace the `for` times and the windows of the rules."""
    return re.sub(r"\[\d+[mh]\]", f"[{window}]", re.sub(r"\bfor: \d+m", f"for: {hold}", rules))


class Prometheus:
    """A Prometheus that scrapes the targets and evaluates our rules."""

    def __init__(self, folder: Path, targets: Mapping[str, str], hold: str, window: str) -> None:
        program = shutil.which("prometheus")
        if program is None:
            raise CliError(
                "Prometheus is not in PATH. Debian, Ubuntu: apt-get install prometheus; "
                "macOS: brew install prometheus"
            )
        static_configs = [
            {"targets": [address], "labels": {"service": service}}
            for service, address in targets.items()
        ]
        configuration = {
            "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yml"],
            "scrape_configs": [{"job_name": "ticketing", "static_configs": static_configs}],
        }
        (folder / "alerts.yml").write_text(shorten_windows(RULES.read_text(), hold, window))
        (folder / "prometheus.yml").write_text(json.dumps(configuration))  # YAML too
        self._folder = folder
        self._program = program
        self._port = free_port()
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._port}/api/v1", timeout=10, trust_env=False
        )

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--log.level=error",
        )
        await eventually(self._is_ready, 60)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        await self._process.wait()
        await self._http.aclose()

    async def _is_ready(self) -> bool:
        await asyncio.sleep(0.1)
        try:
            return len(await self._query("query", query="up == 1")) > 0
        except httpx.HTTPError:
            return False

    async def firing_alerts(self) -> set[str]:
        """Return the names of the firing alerts."""
        await asyncio.sleep(0.25)  # callers poll
        active = (await self._http.get("/alerts")).raise_for_status().json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in active if alert["state"] == "firing"}

    async def has_values(self, expression: str, since: float, until: float) -> bool:
        """Return whether an expression had a value at any time in the range."""
        found = await self._query(
            "query_range", query=expression, start=since, end=until, step=SCRAPE_SECONDS
        )
        return any(value != "NaN" for series in found for _, value in series["values"])

    async def _query(self, endpoint: str, **parameters: Any) -> list[dict[str, Any]]:
        response = await self._http.get(f"/{endpoint}", params=parameters)
        return response.raise_for_status().json()["data"]["result"]
