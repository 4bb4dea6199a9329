"""Pages that show every letter with invented facts, for development machines.

Each request reads the templates again, so that a change of them is seen by a reload.
"""

import secrets
from datetime import UTC, datetime
from html import escape
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import SecretStr

from auth.domain.letter import LetterKind, write_letter
from auth.letter_links import LetterLinks
from auth.rendering import LANGUAGES, LetterRenderer, RenderedLetter

PATH: Final = "/mail/preview"
POLICY: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'",
    "X-Content-Type-Options": "nosniff",
}
FACTS: Final[dict[str, str | int]] = {
    "order_id": "6" * 24,
    "ticket_id": "7" * 24,
    "title": "Hamlet, Schaubühne <Berlin> & more",
    "amount": 123_450,
    "reason": "payment failed",
    "show": "Hamlet",
    "starts_at": "2030-06-15T20:00",
    "venue": "Schaubühne, Berlin",
    "section": "A",
    "row": "4",
    "seat": "12",
    "removal_at": "2030-06-18T20:00:00+00:00",
}
"""Facts of every kind of letter. A kind that names another one adds it here."""


def preview_letter(kind: LetterKind, language: str, public_url: str) -> RenderedLetter:
    """Render a letter of a kind with invented facts. Its link, if it has one, is not valid."""
    links = LetterLinks(SecretStr(secrets.token_hex(32)), public_url)
    now = datetime.now(UTC)
    letter = write_letter("preview", kind, "nobody", now=now, facts=FACTS).after
    return LetterRenderer(links).render(letter, language)


def preview_router(public_url: str) -> APIRouter:
    """Return the pages: a list of all letters, and each as HTML and as text."""
    router = APIRouter(prefix=PATH, include_in_schema=False)

    @router.get("/{kind}.{language}.html")
    async def show_html(kind: LetterKind, language: str) -> HTMLResponse:
        return HTMLResponse(preview_letter(kind, language, public_url).html, headers=POLICY)

    @router.get("/{kind}.{language}.txt")
    async def show_text(kind: LetterKind, language: str) -> PlainTextResponse:
        letter = preview_letter(kind, language, public_url)
        return PlainTextResponse(f"Subject: {letter.subject}\n\n{letter.text}", headers=POLICY)

    @router.get("/")
    async def list_letters() -> HTMLResponse:
        rows = "".join(_row(kind, public_url) for kind in LetterKind)
        return HTMLResponse(_PAGE.format(rows=rows), headers=POLICY)

    return router


def _row(kind: LetterKind, public_url: str) -> str:
    cells = (
        f'<td lang="{language}">{escape(preview_letter(kind, language, public_url).subject)}<br>'
        f'<a href="{PATH}/{kind}.{language}.html">HTML</a> '
        f'<a href="{PATH}/{kind}.{language}.txt">text</a></td>'
        for language in LANGUAGES
    )
    return f'<tr><th scope="row">{kind}</th>{"".join(cells)}</tr>'


_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>All letters</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }}
td, th {{ border-bottom: 1px solid #8886; padding: .4rem .6rem; text-align: left; }}
</style>
<h1>All letters</h1>
<table>{rows}</table>
</html>"""
