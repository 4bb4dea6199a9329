"""The error that ends a command."""

import click


class CliError(click.ClickException):
    """A problem and its fix, in one line. Click prints it and exits with status 1."""
