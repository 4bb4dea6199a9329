"""`make bench`: every section, or those that ONLY names; --quick to see that they work."""

import argparse
import sys
from collections.abc import Callable

from benchmarks import comparison, expiry, flash_sale, overload, purchase, report, sign_in, start
from benchmarks.measure import Options, Row
from benchmarks.testbed import Stage
from ticketing_local.errors import Trouble

Section = Callable[[Stage, Options], list[Row]]
SECTIONS: dict[str, Section] = {
    "reads": comparison.reads,
    "tickets": comparison.tickets,
    "orders": comparison.orders,
    "hot": flash_sale.hot,
    "purchases": purchase.purchases,
    "locked": purchase.locked,
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
    parser.add_argument("--quick", action="store_true", help="a smoke test; nothing is kept")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="show, but do not keep")
    asked = parser.parse_args()
    options = Options(asked.seconds, asked.runs, asked.quick)
    if asked.quick:
        options = Options(1, 1, quick=True)
    missed = 0
    with Stage() as stage:
        for name in asked.only or SECTIONS:
            print(f"\n== {name}", flush=True)
            try:
                rows = SECTIONS[name](stage, options)
            except (Trouble, OSError) as trouble:
                print(f"not measured: {trouble}", flush=True)  # the others can still be
                missed += 1
                continue
            report.tell(rows)
            missed += sum(row.met is False for row in rows)
            if not (asked.quick or asked.dry):
                report.keep(name, rows)
    print(f"\n{missed} bars not met, or not measured." if missed else "\nEvery bar is met.")
    return 0 if asked.quick else min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
