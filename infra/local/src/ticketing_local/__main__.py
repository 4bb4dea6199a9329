"""`python -m ticketing_local`: the same as `ticketing`."""

from ticketing_local.cli import main

main(prog_name="ticketing")
