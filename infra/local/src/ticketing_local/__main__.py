"""`python -m ticketing_local start|stop|reset`: what the Makefile calls."""

import argparse
import os
import signal
import sys
from collections.abc import Callable

from ticketing_local.commands.start import StackRunner
from ticketing_local.commands.stop import reset, stop
from ticketing_local.errors import CliError
from ticketing_local.stack.paths import Home


def start(home: Home) -> int:
    """Run the system until somebody stops it."""
    return StackRunner(home, os.environ).run()


COMMANDS: dict[str, Callable[[Home], int]] = {
    "start": start,
    "stop": stop,
    "reset": reset,
}


def main(command: str) -> int:
    """Do it, and say what is wrong in one line where it cannot be done."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return COMMANDS[command](Home.from_environment())
    except CliError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="ticketing_local", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    sys.exit(main(parser.parse_args().command))
