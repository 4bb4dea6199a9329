"""The pages at /mail/, which show the received letters to a developer."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mail_local.mailbox import Letter, Mailbox

MAX_LISTED: Final = 200
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid #8886; padding: .4rem .6rem; text-align: left; }
iframe { background: #fff; border: 1px solid #8886; height: 40rem; width: 100%; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
"""
_PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'",
    "X-Content-Type-Options": "nosniff",
}
_LETTER_HEADERS: Final = _PAGE_HEADERS | {
    # The letter runs no script, and its links open in a new tab.
    "Content-Security-Policy": "sandbox allow-popups allow-popups-to-escape-sandbox;"
    " default-src 'none'; style-src 'unsafe-inline'",
}


@dataclass(frozen=True)
class Pages:
    """The list of letters, and a page for each."""

    mailbox: Mailbox

    def routes(self) -> list[Route]:
        """Return the routes below /mail."""
        return [
            Route("/", self._redirect),
            Route("/mail", self._redirect),
            Route("/mail/", self._list_letters),
            Route("/mail/{letter_id:int}", self._show_letter),
            Route("/mail/{letter_id:int}/html", self._show_html),
        ]

    async def _redirect(self, _: Request) -> Response:
        return RedirectResponse("/mail/")

    async def _list_letters(self, _: Request) -> Response:
        rows = "".join(
            f"<tr><td>{escape(one.received_at[:19].replace('T', ' '))}</td>"
            f"<td>{escape(', '.join(one.recipients))}</td>"
            f'<td><a href="/mail/{one.id}">{escape(one.subject) or "(no subject)"}</a></td></tr>'
            for one in self.mailbox.list_newest(MAX_LISTED)
        )
        return _page(
            "Letters",
            "<p>The local mail server delivers nothing. It keeps what the system sends.</p>"
            f"<table><tr><th>Received (UTC)</th><th>To</th><th>Subject</th></tr>{rows}</table>",
        )

    async def _show_letter(self, request: Request) -> Response:
        letter = self._find(request)
        if letter is None:
            return _page("There is no such letter", '<p><a href="/mail/">All letters</a></p>', 404)
        headers = {**{k: str(v) for k, v in letter.message.items()}}
        return _page(
            letter.subject,
            f'<p><a href="/mail/">All letters</a></p>{_header_table(headers)}'
            f'<h2>HTML</h2><iframe src="/mail/{letter.id}/html" title="The letter"></iframe>'
            f"<h2>Text</h2><pre>{escape(letter.body('plain'))}</pre>",
        )

    async def _show_html(self, request: Request) -> Response:
        letter = self._find(request)
        if letter is None:
            return HTMLResponse("", 404)
        html = letter.body("html")
        return HTMLResponse(f'<base target="_blank">{html}', headers=_LETTER_HEADERS)

    def _find(self, request: Request) -> Letter | None:
        return self.mailbox.find(request.path_params["letter_id"])


def _header_table(headers: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in headers.items()
    )
    return f"<table>{rows}</table>"


def _page(title: str, body: str, status: int = 200) -> Response:
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )
    return HTMLResponse(html, status, headers=_PAGE_HEADERS)
