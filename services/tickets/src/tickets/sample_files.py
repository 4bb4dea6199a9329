"""Ticket files made by the tests: PDFs and images with codes, each of a few kilobytes."""

import io
from collections.abc import Sequence
from typing import Final

import zxingcpp
from PIL import Image

FORMATS: Final = {
    "qr": zxingcpp.BarcodeFormat.QRCode,
    "aztec": zxingcpp.BarcodeFormat.Aztec,
    "pdf417": zxingcpp.BarcodeFormat.PDF417,
    "data_matrix": zxingcpp.BarcodeFormat.DataMatrix,
    "code_128": zxingcpp.BarcodeFormat.Code128,
    "code_39": zxingcpp.BarcodeFormat.Code39,
    "itf": zxingcpp.BarcodeFormat.ITF,
}
PAGE: Final = (595, 842)
"""A4 in points."""
IMAGE: Final = (600, 800)


def code_image(payload: bytes, symbology: str = "qr", *, module: int = 4) -> Image.Image:
    """Return a code with its quiet zone, in black and white."""
    code = zxingcpp.create_barcode(payload, FORMATS[symbology])
    return Image.fromarray(code.to_image(scale=module, add_quiet_zones=True))


def gs1_png(text: str, symbology: str) -> bytes:
    """Return a PNG file with a code that follows GS1, such as `(01)09501101530003(10)AB-1`."""
    code = zxingcpp.create_barcode(text, FORMATS[symbology], gs1=True)
    return encode(Image.fromarray(code.to_image(scale=4, add_quiet_zones=True)))


def ticket_image(*codes: bytes, symbology: str = "qr", background: int = 255) -> Image.Image:
    """Return a picture of a ticket with these codes below each other."""
    image = Image.new("L", IMAGE, background)
    y = 40
    for payload in codes:
        code = code_image(payload, symbology, module=3)
        image.paste(code, (40, y))
        y += code.height + 40
    return image


def encode(image: Image.Image, file_format: str = "PNG") -> bytes:
    """Return an image as a PNG or JPEG file."""
    file = io.BytesIO()
    image.save(file, file_format)
    return file.getvalue()


def ticket_png(*codes: bytes, symbology: str = "qr") -> bytes:
    """Return a PNG file with these codes."""
    return encode(ticket_image(*codes, symbology=symbology))


def ticket_pdf(*codes: bytes, symbology: str = "qr") -> bytes:
    """Return a PDF file with one page for each of these codes, or one without a code."""
    return pdf([_drawing(code, symbology) for code in codes] or [b""])


def pdf(
    pages: Sequence[bytes], *, catalog: bytes = b"", trailer: bytes = b"", filter_name: bytes = b""
) -> bytes:
    """Return a PDF file whose pages have these contents, which `filter_name` may have encoded."""
    page_ids = [3 + 2 * index for index in range(len(pages))]
    kids = b" ".join(b"%d 0 R" % page_id for page_id in page_ids)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
    ]
    filters = b"/Filter %s" % filter_name if filter_name else b""
    for page_id, content in zip(page_ids, pages, strict=True):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R >>"
            % (*PAGE, page_id + 1),
            b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), filters, content),
        ]
    file = bytearray(b"%PDF-1.7\n")
    offsets: list[int] = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    file += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    file += b"trailer << /Size %d /Root 1 0 R %s >>\n" % (len(objects) + 1, trailer)
    return bytes(file + b"startxref\n%d\n%%%%EOF\n" % start)


def _drawing(payload: bytes, symbology: str) -> bytes:
    """Return the content of a page that draws a code of squares of 2 points."""
    image = code_image(payload, symbology, module=1)
    squares = [
        f"{40 + 2 * x} {700 - 2 * y} 2 2 re"
        for y in range(image.height)
        for x in range(image.width)
        if not image.getpixel((x, y))
    ]
    return "\n".join([*squares, "f"]).encode()
