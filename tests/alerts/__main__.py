"""`make test-alerts`: makes each alert fire once, in a real Prometheus, on a running system.

Each is silent before, fires while something is really wrong, and falls silent after. Only how long
a condition must hold and the window it is looked at are shortened (`--hold`, `--window`); what is
measured and every threshold are those of infra/observability/alerts.yml. At the end each panel of
the dashboard must have had something to show.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from alerts.prometheus import Prometheus, alert_names
from alerts.scenarios import ORDER_EXPIRATION_SECONDS, SCENARIOS, AlertScenario

from common.testing.polling import eventually
from payments.testing import StripeProbe
from support.api_user import ApiUser
from support.system import SERVICES, System
from ticketing_local.errors import CliError
from ticketing_local.stack.paths import ROOT
from ticketing_local.testing.temporary_server import TMPFS

DASHBOARD: Final = ROOT / "infra/observability/grafana/dashboards/ticketing.json"
ALERT_TIMEOUT_SECONDS: Final = 120.0


async def check_alert(prometheus: Prometheus, scenario: AlertScenario, alert: str) -> str:
    """Provoke one alert; say how it went, or what was wrong in capitals."""

    async def is_silent() -> bool:
        return alert not in await prometheus.firing_alerts()

    async def is_firing() -> bool:
        return not await is_silent()

    try:
        await eventually(is_silent, ALERT_TIMEOUT_SECONDS)
    except AssertionError:
        return "FIRED BEFORE"
    started = time.monotonic()
    async with SCENARIOS[alert](scenario):
        try:
            await eventually(is_firing, ALERT_TIMEOUT_SECONDS)
        except AssertionError:
            return "DID NOT FIRE"
        elapsed = time.monotonic() - started
    try:
        await eventually(is_silent, ALERT_TIMEOUT_SECONDS)
    except AssertionError:
        return "WENT ON FIRING"
    return f"fired after {elapsed:.0f} s"


async def empty_panels(prometheus: Prometheus, since: float) -> list[str]:
    """Name the panels of the dashboard one of whose queries had nothing to show."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [
        f"{panel['title']}: {target['expr']}"
        for panel in panels
        for target in panel.get("targets", ())
        if not await prometheus.has_values(target["expr"], since, time.time())
    ]


async def run_scenarios(system: System, prometheus: Prometheus, selected: list[str]) -> bool:
    """Provoke them one after another; tell whether all went as they should."""
    bank = StripeProbe(system.stripe)
    seller = await ApiUser.sign_up(system.address, "seller")
    buyer = await ApiUser.sign_up(system.address, "buyer")
    scenario = AlertScenario(system, seller, buyer, bank)
    since = time.time()
    passed = True
    for alert in selected:
        result = await check_alert(prometheus, scenario, alert)
        passed &= not result.isupper()
        print(f"{alert:15} {result:18} {SCENARIOS[alert].__doc__}", flush=True)
        system.wait_ready()
    if len(selected) == len(SCENARIOS):
        await buyer.pay(await buyer.order(await seller.sell()))
        empty = await empty_panels(prometheus, since)
        print(
            "Every panel has data." if not empty else "Nothing to show:",
            *empty,
            sep="\n",
            flush=True,
        )
        passed &= not empty
    for person in (seller, buyer):
        await person.close()
    await bank.close()
    return passed


async def run(system: System, folder: Path, arguments: argparse.Namespace) -> bool:
    """Start Prometheus beside the system, and provoke."""
    targets = {name: f"127.0.0.1:{system.port[name]}" for name in SERVICES}
    targets["expiration-worker"] = f"127.0.0.1:{system.port['worker']}"
    async with Prometheus(folder, targets, arguments.hold, arguments.window) as prometheus:
        return await run_scenarios(system, prometheus, arguments.alert or alert_names())


def main() -> int:
    """Start a system of its own, and see."""
    parser = argparse.ArgumentParser(prog="alerts", description=__doc__)
    parser.add_argument("--hold", default="1s", help="instead of each alert's `for`")
    parser.add_argument("--window", default="20s", help="instead of each [5m], [10m], [1h]")
    parser.add_argument("alert", nargs="*", choices=[*SCENARIOS, []], help="only these")
    arguments = parser.parse_args()
    settings = {
        "ORDER_EXPIRATION_SECONDS": str(ORDER_EXPIRATION_SECONDS),
        "PAYMENT_MARGIN_SECONDS": "0",
        "PASSWORD_MEMORY_KIB": "19456",  # what a hash costs is what SignInsRefused is about
        "PASSWORD_ITERATIONS": "2",
        "NATS_SYNC_INTERVAL": "2m",
    }
    tmpfs = TMPFS if TMPFS.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ticketing-alerts-", dir=tmpfs) as folder:
        system = System(Path(folder) / "home", settings, replicas=1)
        try:
            system.start()
            (prometheus_folder := Path(folder) / "prometheus").mkdir()
            passed = asyncio.run(run(system, prometheus_folder, arguments))
        except CliError as error:
            print(error)
            passed = False
        finally:
            system.stop()
    print("Each fired once." if passed else "Not as it should be.")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
