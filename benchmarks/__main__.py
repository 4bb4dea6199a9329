"""`make bench`: every section, or those that ONLY names; --quick to see that they work."""

import argparse
import sys
from collections.abc import Callable

from benchmarks import comparison, expiry, flash_sale, overload, purchase, report, sign_in, start
from benchmarks.measure import Options, Row
from benchmarks.testbed import Testbed
from ticketing_local.errors import CliError

Section = Callable[[Testbed, Options], list[Row]]
SECTIONS: dict[str, Section] = {
    "reads": comparison.reads,
    "tickets": comparison.tickets,
    "orders": comparison.orders,
    "hot": flash_sale.hot,
    "purchases": purchase.purchases,
    "locked": purchase.lock_latency,
    "overload": overload.overload,
    "flash": flash_sale.flash,
    "sign-in": sign_in.sign_in,
    "expiry": expiry.expiry,
    "memory": purchase.memory,
    "start": start.start,
}


def main() -> int:
    """Measure, show, and keep what was measured."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("only", nargs="*", help=f"sections: {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="smoke test; results are not saved")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="show, but do not keep")
    arguments = parser.parse_args()
    options = Options(arguments.seconds, arguments.runs, arguments.quick)
    if arguments.quick:
        options = Options(1, 1, quick=True)
    failures = 0
    with Testbed() as testbed:
        for name in arguments.only or SECTIONS:
            print(f"\n== {name}", flush=True)
            try:
                rows = SECTIONS[name](testbed, options)
            except (CliError, OSError) as error:
                print(f"not measured: {error}", flush=True)  # the others can still be
                failures += 1
                continue
            report.print_rows(rows)
            failures += sum(row.met is False for row in rows)
            if not (arguments.quick or arguments.dry):
                report.save_rows(name, rows)
    print(f"\n{failures} bars not met, or not measured." if failures else "\nEvery bar is met.")
    return 0 if arguments.quick else min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
