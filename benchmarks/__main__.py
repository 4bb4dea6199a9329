"""`make bench`: run every section, or those named by ONLY."""

import sys
from collections.abc import Callable

import click

from benchmarks import (
    comparison,
    data_growth,
    expiry,
    flash_sale,
    growth,
    overload,
    purchase,
    purchase_work,
    report,
    reveal,
    scaling,
    sign_in,
    start,
)
from benchmarks.measure import CPUS, Options, Row
from benchmarks.testbed import Testbed
from ticketing_local.errors import CliError

Section = Callable[[Testbed, Options], list[Row]]
SECTIONS: dict[str, Section] = {
    "reads": comparison.reads,
    "tickets": comparison.tickets,
    "orders": comparison.orders,
    "hot": flash_sale.hot,
    "purchases": purchase.purchases,
    "purchase-work": purchase_work.purchase_work,
    "locked": purchase.lock_latency,
    "overload": overload.overload,
    "flash": flash_sale.flash,
    "sign-in": sign_in.sign_in,
    "expiry": expiry.expiry,
    "growth": growth.growth,
    "data-growth": data_growth.data_growth,
    "reveal": reveal.reveal,
    "scaling": scaling.scaling,
    "memory": purchase.memory,
    "start": start.start,
}


@click.command(help="Measure the system and write the results into docs/benchmarks.md.")
@click.argument("only", nargs=-1, type=click.Choice(list(SECTIONS)))
@click.option("--quick", is_flag=True, help="Smoke test: one second each, nothing is saved.")
@click.option("--seconds", type=float, default=5, show_default=True)
@click.option("--runs", type=int, default=5, show_default=True)
@click.option(
    "--cpus", type=float, default=CPUS, show_default=True, help="Of a replica in scaling."
)
@click.option("--dry", is_flag=True, help="Print the results without saving them.")
def main(
    only: tuple[str, ...], seconds: float, runs: int, *, cpus: float, quick: bool, dry: bool
) -> None:
    """Run the sections, print their rows and save them."""
    options = Options(1, 1, quick=True) if quick else Options(seconds, runs, quick=False, cpus=cpus)
    failures = 0
    with Testbed() as testbed:
        for name in only or SECTIONS:
            click.echo(f"\n== {name}")
            try:
                rows = SECTIONS[name](testbed, options)
            except (CliError, OSError) as error:
                click.echo(f"not measured: {error}")
                failures += 1
                continue
            report.print_rows(rows)
            failures += sum(row.met is False for row in rows)
            if not (quick or dry):
                report.save_rows(name, rows)
    summary = f"{failures} targets missed or not measured." if failures else "All targets are met."
    click.echo(f"\n{summary}")
    if failures and not quick:
        sys.exit(1)


if __name__ == "__main__":
    main()
