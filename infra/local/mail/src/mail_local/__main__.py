"""The command line: `python -m mail_local` serves until it is stopped."""

import click
import uvicorn

from mail_local.app import Settings, create_app


@click.command(context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1")
@click.option("--port", default=12080, help="The pages and the control API.")
@click.option("--smtp-port", default=12025)
@click.option("--db", default=":memory:", help="SQLite file.")
def main(*, host: str, port: int, smtp_port: int, db: str) -> None:
    """Receive mail, deliver nothing, and show it."""
    uvicorn.run(
        create_app(Settings(database=db, smtp_host=host, smtp_port=smtp_port)),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
