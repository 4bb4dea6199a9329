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

from alerts.prometheus import Prometheus, alerts
from alerts.scenarios import PROVOKED, WINDOW, Scene

from common.testing.plugin import eventually
from payments.testing import Bank
from support.api_user import Person
from support.system import SERVICES, System
from ticketing_local.errors import Trouble
from ticketing_local.stack.paths import ROOT
from ticketing_local.testing.temporary_server import MEMORY

DASHBOARD: Final = ROOT / "infra/observability/grafana/dashboards/ticketing.json"
PATIENCE: Final = 120.0


async def fired(prometheus: Prometheus, scene: Scene, alert: str) -> str:
    """Provoke one alert; say how it went, or what was wrong in capitals."""

    async def silent() -> bool:
        return alert not in await prometheus.firing()

    async def firing() -> bool:
        return not await silent()

    try:
        await eventually(silent, PATIENCE)
    except AssertionError:
        return "FIRED BEFORE"
    started = time.monotonic()
    async with PROVOKED[alert](scene):
        try:
            await eventually(firing, PATIENCE)
        except AssertionError:
            return "DID NOT FIRE"
        took = time.monotonic() - started
    try:
        await eventually(silent, PATIENCE)
    except AssertionError:
        return "WENT ON FIRING"
    return f"fired after {took:.0f} s"


async def blank(prometheus: Prometheus, since: float) -> list[str]:
    """Name the panels of the dashboard one of whose queries had nothing to show."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [
        f"{panel['title']}: {target['expr']}"
        for panel in panels
        for target in panel.get("targets", ())
        if not await prometheus.seen(target["expr"], since, time.time())
    ]


async def provoke_all(system: System, prometheus: Prometheus, chosen: list[str]) -> bool:
    """Provoke them one after another; tell whether all went as they should."""
    bank = Bank(system.stripe)
    seller = await Person.signed_up(system.address, "seller")
    buyer = await Person.signed_up(system.address, "buyer")
    scene = Scene(system, seller, buyer, bank)
    since = time.time()
    well = True
    for alert in chosen:
        how = await fired(prometheus, scene, alert)
        well &= not how.isupper()
        print(f"{alert:15} {how:18} {PROVOKED[alert].__doc__}", flush=True)
        system.wait_ready()
    if len(chosen) == len(PROVOKED):
        await buyer.pay(await buyer.order(await seller.sell()))
        nothing = await blank(prometheus, since)
        print(
            "Every panel had something to show." if not nothing else "Nothing to show:",
            *nothing,
            sep="\n",
            flush=True,
        )
        well &= not nothing
    for person in (seller, buyer):
        await person.leave()
    await bank.close()
    return well


async def run(system: System, folder: Path, chosen: argparse.Namespace) -> bool:
    """Start Prometheus beside the system, and provoke."""
    targets = {name: f"127.0.0.1:{system.port[name]}" for name in SERVICES}
    targets["expiration-worker"] = f"127.0.0.1:{system.port['worker']}"
    async with Prometheus(folder, targets, chosen.hold, chosen.window) as prometheus:
        return await provoke_all(system, prometheus, chosen.alert or alerts())


def main() -> int:
    """Start a system of its own, and see."""
    parser = argparse.ArgumentParser(prog="alerts", description=__doc__)
    parser.add_argument("--hold", default="1s", help="instead of each alert's `for`")
    parser.add_argument("--window", default="20s", help="instead of each [5m], [10m], [1h]")
    parser.add_argument("alert", nargs="*", choices=[*PROVOKED, []], help="only these")
    chosen = parser.parse_args()
    settings = {
        "ORDER_EXPIRATION_SECONDS": str(WINDOW),
        "PAYMENT_MARGIN_SECONDS": "0",
        "PASSWORD_MEMORY_KIB": "19456",  # what a hash costs is what SignInsRefused is about
        "PASSWORD_ITERATIONS": "2",
        "NATS_SYNC_INTERVAL": "2m",
    }
    memory = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ticketing-alerts-", dir=memory) as folder:
        system = System(Path(folder) / "home", settings, replicas=1)
        try:
            system.start()
            (beside := Path(folder) / "prometheus").mkdir()
            well = asyncio.run(run(system, beside, chosen))
        except Trouble as trouble:
            print(trouble)
            well = False
        finally:
            system.stop()
    print("Each fired once." if well else "Not as it should be.")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
