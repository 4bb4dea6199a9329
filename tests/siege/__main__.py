"""`make siege`: attack a whole system, and count what friendly users get meanwhile.

python -m siege slow-bodies inventory --seconds 20
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

import click

from siege.journal import AFTER, DURING
from siege.memory import warm_up_client
from siege.registry import ATTACKS
from siege.trial import Addresses, Outcome, Trial, is_bindable, run_trial
from support.system import System
from ticketing_local.errors import CliError
from ticketing_local.stack.paths import ROOT

SEPARATE, SHARED = "separate", "shared"
DEFAULT_LIMITS = dict.fromkeys(
    (
        "ADDRESS_REQUESTS_PER_SECOND",
        "ADDRESS_CONNECTIONS",
        "ADDRESS_PAGES_PER_SECOND",
        "PASSWORD_MEMORY_KIB",
        "PASSWORD_ITERATIONS",
        "SIGN_UPS_PER_ADDRESS",
        "LISTINGS_PER_DAY",
        "SHOWS_PER_DAY",
        "UPLOADS_PER_DAY",
        "DECLINES_PER_ACCOUNT",
        "DECLINES_PER_CARD",
        "DECLINES_PER_ADDRESS",
        "SIGN_INS_PER_ADDRESS",
        "SIGN_INS_PER_ACCOUNT",
        "SIGN_INS_PER_KNOWN_BROWSER",
        "SIGN_INS_PER_ACCOUNT_AND_ADDRESS",
    ),
    "",
)
"""The other tests change these settings. An attack meets the defaults."""
ROW = "{:24} {:8} {:>8} {:>7} {:>7} {:>7} {:>7} {:>8} {:>5} {:>16}  {}"


def print_outcome(outcome: Outcome, mode: str) -> None:
    """Print the row of a trial, and its problems."""
    during, after = (outcome.journal.phases[phase] for phase in (DURING, AFTER))
    statuses = " ".join(f"{status}:{n}" for status, n in outcome.report.statuses.most_common(6))
    click.echo(
        ROW.format(
            outcome.attack.name,
            mode,
            during.count,
            f"{during.share_right:.1%}",
            f"{during.quantile(0.5) * 1000:.0f}",
            f"{during.quantile(0.99) * 1000:.0f}",
            f"{after.share_right:.1%}",
            outcome.report.statuses.total(),
            f"{outcome.report.cpu_share:.2f}",
            f"{outcome.memory_growth_mib:+.0f} {outcome.grown_most}",
            f"{'FAIL' if outcome.problems else 'pass'}  {statuses}",
        )
    )
    observed = {key: value for key, value in outcome.report.observed.items() if value}
    if observed:
        click.echo(f"    observed: {observed}")
    for problem in outcome.problems:
        click.echo(f"    FAILED: {problem}")


async def run(system: System, names: list[str], modes: list[str], seconds: float) -> list[str]:
    """Run the attacks, and return those that failed."""
    failed: list[str] = []
    if any(ATTACKS[name].needs_client for name in names):
        await warm_up_client(system)
    for number, (mode, name) in enumerate((mode, name) for mode in modes for name in names):
        create = Addresses.shared if mode == SHARED else Addresses.separate
        outcome = await run_trial(system, ATTACKS[name], create(number), Trial(seconds))
        print_outcome(outcome, mode)
        if outcome.problems:
            failed.append(f"{name} ({mode})")
    return failed


@click.command(help="Attack a whole system, and count what friendly users get meanwhile.")
@click.argument("attacks", nargs=-1, type=click.Choice(list(ATTACKS)))
@click.option("--seconds", type=float, default=15, show_default=True, help="Of each attack.")
@click.option("--replicas", type=int, default=1, show_default=True, help="Of each service.")
@click.option(
    "--addresses",
    type=click.Choice([SEPARATE, SHARED, "both"]),
    default="both",
    show_default=True,
    help="Whether attackers and friendly users have one address.",
)
def main(attacks: tuple[str, ...], seconds: float, replicas: int, addresses: str) -> None:
    """Run the attacks on a system of its own and exit with 1 if one fails."""
    names = list(attacks) or list(ATTACKS)
    modes = [SEPARATE, SHARED] if addresses == "both" else [addresses]
    if not is_bindable(["127.66.0.1", "127.77.0.1", "127.88.0.1"]):
        click.echo("Run it on Linux: this machine has no other address than 127.0.0.1.")
        sys.exit(1)
    parent = ROOT / ".local" / "siege"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    has_client = any(ATTACKS[name].needs_client for name in names)
    settings = {**DEFAULT_LIMITS, "CLIENT": "on" if has_client else "off"}
    failed: list[str] = []
    try:
        system = System(folder, settings, replicas=replicas)
        try:
            system.start()
            columns = ("ms p50", "ms p99", "after", "attacks", "cores", "MiB", "")
            click.echo(ROW.format("attack", "address", "requests", "right", *columns))
            failed = asyncio.run(run(system, names, modes, seconds))
        finally:
            system.stop()
    except CliError as error:
        click.echo(error)
        sys.exit(1)
    if failed:
        click.echo(f"{len(failed)} failed: {', '.join(failed)}. Data and logs: {folder}")
        sys.exit(1)
    shutil.rmtree(folder)
    click.echo("Every attack failed, and friendly users noticed none.")


if __name__ == "__main__":
    main()
