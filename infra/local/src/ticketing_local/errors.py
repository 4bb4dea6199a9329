"""What is told to the person at the terminal when something cannot go on."""


class CliError(Exception):
    """One clear line: what is wrong and what mends it."""
