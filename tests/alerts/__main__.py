"""`make test-alerts`: make each alert fire once, in a real Prometheus, on a running system.

Each alert must be silent before, fire during its scenario and be silent again after it. The rules
are those of infra/observability/alerts.yml with a shorter `for` and shorter windows (`--hold`,
`--window`). At the end every panel of the dashboard must have data.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import click
from alerts.prometheus import Prometheus, alert_names
from alerts.scenario import AlertScenario
from alerts.scenarios import ORDER_EXPIRATION_SECONDS, SCENARIOS

from common.testing.polling import eventually
from payments.testing import StripeProbe
from support.system import System
from ticketing_local.api_user import ApiUser
from ticketing_local.errors import CliError
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.ports import SERVICES
from ticketing_local.testing.temporary_server import TMPFS

DASHBOARD: Final = ROOT / "infra/observability/grafana/dashboards/ticketing.json"
ALERT_TIMEOUT_SECONDS: Final = 120.0


async def check_alert(prometheus: Prometheus, scenario: AlertScenario, alert: str) -> str:
    """Run the scenario of one alert.

    Returns:
        The result, in capitals if it is a failure.
    """

    async def is_silent() -> bool:
        return alert not in await prometheus.firing_alerts()

    async def is_firing() -> bool:
        return not await is_silent()

    try:
        await eventually(is_silent, ALERT_TIMEOUT_SECONDS)
    except AssertionError:
        return "FIRED TOO EARLY"
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
        return "KEPT FIRING"
    return f"fired after {elapsed:.0f} s"


async def empty_panels(prometheus: Prometheus, since: float) -> list[str]:
    """Return the queries of the dashboard that returned no data."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [
        f"{panel['title']}: {target['expr']}"
        for panel in panels
        for target in panel.get("targets", ())
        if not await prometheus.has_values(target["expr"], since, time.time())
    ]


async def run_scenarios(system: System, prometheus: Prometheus, selected: list[str]) -> bool:
    """Run the selected scenarios and return whether all passed."""
    stripe = StripeProbe(system.stripe)
    seller = await ApiUser.sign_up(system.address, "seller")
    buyer = await ApiUser.sign_up(system.address, "buyer")
    scenario = AlertScenario(system, seller, buyer, stripe)
    since = time.time()
    passed = True
    for alert in selected:
        result = await check_alert(prometheus, scenario, alert)
        passed &= not result.isupper()
        click.echo(f"{alert:24} {result:18} {SCENARIOS[alert].__doc__}")
        system.wait_ready()
    if len(selected) == len(SCENARIOS):
        await buyer.pay(await buyer.order(await seller.sell()))
        empty = await empty_panels(prometheus, since)
        click.echo(
            "\n".join(["Panels without data:", *empty] if empty else ["Every panel has data."])
        )
        passed &= not empty
    for user in (seller, buyer):
        await user.close()
    await stripe.close()
    return passed


async def run(system: System, folder: Path, alerts: list[str], *, hold: str, window: str) -> bool:
    """Start Prometheus beside the system and run the scenarios of the alerts."""
    targets = {name: f"127.0.0.1:{system.port[name]}" for name in SERVICES}
    targets["expiration-worker"] = f"127.0.0.1:{system.port['worker']}"
    targets["auth-mailer"] = f"127.0.0.1:{system.port['mailer']}"
    async with Prometheus(folder, targets, hold, window) as prometheus:
        return await run_scenarios(system, prometheus, alerts)


@click.command(help="Make each alert fire once, in a real Prometheus, on a running system.")
@click.argument("alerts", nargs=-1, type=click.Choice(list(SCENARIOS)))
@click.option("--hold", default="1s", show_default=True, help="Replaces each alert's `for`.")
@click.option("--window", default="20s", show_default=True, help="Replaces [5m], [10m] and [1h].")
def main(alerts: tuple[str, ...], hold: str, window: str) -> None:
    """Run the scenarios on a system of its own and exit with 1 if one fails."""
    selected = list(alerts) or alert_names()
    settings = {
        "ORDER_EXPIRATION_SECONDS": str(ORDER_EXPIRATION_SECONDS),
        "PAYMENT_MARGIN_SECONDS": "0",
        "PLATFORM_FEE_BASIS_POINTS": "1000",  # more than Stripe's fee, so that the balance suffices
        "PASSWORD_MEMORY_KIB": "19456",  # SignInsRejected depends on the cost of a hash
        "PASSWORD_ITERATIONS": "2",
        "NATS_SYNC_INTERVAL": "2m",
    }
    tmpfs = TMPFS if TMPFS.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ticketing-alerts-", dir=tmpfs) as folder:
        system = System(Path(folder) / "home", settings, replicas=1)
        try:
            system.start()
            (prometheus_folder := Path(folder) / "prometheus").mkdir()
            passed = asyncio.run(run(system, prometheus_folder, selected, hold=hold, window=window))
        except CliError as error:
            click.echo(error)
            passed = False
        finally:
            system.stop()
    click.echo("Every alert fired once." if passed else "Some alerts or panels failed.")
    if not passed:
        sys.exit(1)


if __name__ == "__main__":
    main()
