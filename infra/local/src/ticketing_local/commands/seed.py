"""`make seed`: a few users and tickets to look at; run again, it adds only what is missing."""

import sys

from ticketing_local.api_client import ApiUser, gateway_address
from ticketing_local.commands.start import print_line
from ticketing_local.errors import CliError

PASSWORD = "ticketing"  # noqa: S105  opens only what this script makes
LISTINGS = {
    "ada@example.com": [("Cello suites, row 3", 48), ("Jazz cellar, standing", 15.5)],
    "ben@example.com": [("City derby, north stand", 72), ("Winter marathon, start place", 35)],
    "eve@example.com": [("Open air cinema", 9.9), ("Improv night", 12), ("Opera, balcony", 119)],
}


def seed(address: str) -> None:
    """Make sure that everyone is there and has listed what they sell."""
    for email, tickets in LISTINGS.items():
        with ApiUser(address, email, PASSWORD) as seller:
            seller.sign_in_or_up()
            listed = {ticket["title"] for ticket in seller.request_ok("GET", "/api/tickets/mine")}
            missing = [(title, price) for title, price in tickets if title not in listed]
            for title, price in missing:
                ticket = {"title": title, "price": price}
                seller.request_ok("POST", "/api/tickets", ticket, expect=201)
            print_line(f"{email} has {len(tickets)} tickets ({len(missing)} new)")
    print_line(f"Everyone's password is {PASSWORD!r}. Look: {address}")


if __name__ == "__main__":
    try:
        seed(gateway_address())
    except CliError as error:
        sys.exit(str(error))
