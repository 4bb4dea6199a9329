"""Files as sellers upload them: PDFs and images of tickets with codes that tests can search for."""

import io
import secrets
from typing import Final

import segno
from PIL import Image

PLANTED: Final = "PLANTED-CODE-"
"""The beginning of each code, and of a marker in each file. Nothing but the vault may have it."""
PAGE_PIXELS: Final = (1_000, 1_400)


def new_code() -> str:
    """Return an unused code."""
    return PLANTED + secrets.token_hex(12)


def make_png(code: str) -> bytes:
    """Return an image of a code, with the code in its text too."""
    image = io.BytesIO()
    segno.make_qr(code).save(image, kind="png", scale=5)
    return image.getvalue() + code.encode()  # after the end of the image, where no reader looks


def make_pdf(code: str, noise_rows: int = 0) -> bytes:
    """Return a page with a code. Each row of noise adds about a kilobyte."""
    qr = io.BytesIO()
    segno.make_qr(code).save(qr, kind="png", scale=8)
    page = Image.new("L", PAGE_PIXELS, "white")
    page.paste(Image.open(qr), (100, 100))
    if noise_rows:
        size = (PAGE_PIXELS[0], noise_rows)
        noise = Image.frombytes("L", size, secrets.token_bytes(size[0] * size[1]))
        page.paste(noise, (0, PAGE_PIXELS[1] - noise_rows))
    pdf = io.BytesIO()
    page.save(pdf, "PDF")
    return pdf.getvalue() + b"\n%" + code.encode()
