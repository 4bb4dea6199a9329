"""The child process that reads the codes in one ticket file, or draws one code, and ends.

The files come from strangers and the decoders are native code, so they run in a process that has no
secret and no environment, can open no file or socket, and has little memory and time
(`decoder_sandbox`). It reads the file from stdin, and writes JSON or an SVG image to stdout.
`tickets.ticket_files` starts it, and trusts nothing that it writes.
"""

import base64
import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Generator, Iterable
from typing import Final

import pypdfium2 as pdfium
import segno
import zxingcpp
from PIL import Image, ImageOps, MpoImagePlugin
from pypdfium2 import raw as pdfium_raw

from tickets import decoder_sandbox

MAX_INPUT_BYTES: Final = 5 * 1024 * 1024
MAX_PAGES: Final = 20
MAX_PIXELS: Final = 30_000_000
"""Of an uploaded image. Telephones take photos of 12 to 24 megapixels."""
MAX_DECODED_PIXELS: Final = 10_000_000
"""An image is reduced to this before it is searched: an A4 page at 300 dots per inch."""
DOTS_PER_INCH: Final = 300
POINTS_PER_INCH: Final = 72
MAX_PAGE_POINTS: Final = 100_000
MIN_LONG_SIDE: Final = 1_000
"""Smaller images are enlarged, because a module needs a few pixels."""
MAX_ROTATED_SIDE: Final = 1_600
ANGLES: Final = range(0, 90, 15)
"""By which a picture is rotated, in degrees. The decoder itself tries quarter turns, and the pages
of a PDF are not tilted."""
TRANSPARENT: Final = 128
"""The grey behind transparent pixels: black and white codes are both visible on it."""
MIN_PAYLOAD_BYTES: Final = 4
MIN_UNCHECKED_BYTES: Final = 8
"""Of a code without a check digit, which patterns in a picture can imitate."""

_FORMATS: Final = {
    "qr": zxingcpp.BarcodeFormat.QRCode,
    "aztec": zxingcpp.BarcodeFormat.Aztec,
    "pdf417": zxingcpp.BarcodeFormat.PDF417,
    "data_matrix": zxingcpp.BarcodeFormat.DataMatrix,
    "code_128": zxingcpp.BarcodeFormat.Code128,
    "code_39": zxingcpp.BarcodeFormat.Code39,
    "itf": zxingcpp.BarcodeFormat.ITF,
}
_UNCHECKED: Final = frozenset({"code_39", "itf"})
_SYMBOLOGIES: Final = {format_: name for name, format_ in _FORMATS.items()}
_ALL_FORMATS: Final = zxingcpp.BarcodeFormats(list(_FORMATS.values()))
_CHECKED_FORMATS: Final = zxingcpp.BarcodeFormats(
    [format_ for name, format_ in _FORMATS.items() if name not in _UNCHECKED]
)
_GS1: Final = zxingcpp.ContentType.GS1
_SIGNATURES: Final = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}
_SCRIPT: Final = re.compile(rb"/(?:JavaScript|JS|Launch)[\s(<\[/]")

_JPEG_OF_SEVERAL_IMAGES: Final = MpoImagePlugin.MpoImageFile
"""Imported, because Pillow imports it only when it meets such a file."""

_Codes = dict[tuple[str, bytes], str | None]
"""The codes found, in their order, each once. The value is the text of one that follows GS1."""


class Refused(Exception):
    """The file is not accepted. `reason` is a key of the messages in `tickets.ticket_files`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def read(data: bytes, media_type: str) -> dict[str, object]:
    """Return the pages of a file and the codes on them."""
    if not data:
        raise Refused("empty")
    if not data.startswith(_SIGNATURES[media_type]):
        raise Refused("other_type")
    codes: _Codes = {}
    if media_type == "application/pdf":
        pages = _read_pdf(data, codes)
    else:
        pages = 1
        _find_codes(_open_image(data, media_type), codes, ANGLES)
    return {
        "pages": pages,
        "codes": [
            {"symbology": symbology, "payload": base64.b64encode(payload).decode(), "gs1": gs1}
            for (symbology, payload), gs1 in codes.items()
        ],
    }


def draw(payload: bytes, symbology: str, gs1: str | None = None) -> bytes:
    """Return a code as an SVG image that has no size of its own.

    Args:
        payload: what the code contains.
        symbology: its kind.
        gs1: the text of a code that follows GS1. It begins with a sign that is not in the payload.
    """
    barcode = _create_gs1(payload, symbology, gs1) if gs1 else None
    if symbology == "qr" and not barcode:
        drawn = io.BytesIO()
        code = segno.make_qr(payload, mode="byte")
        code.save(drawn, kind="svg", xmldecl=False, omitsize=True, light="#fff", border=4)
        return drawn.getvalue()
    barcode = barcode or zxingcpp.create_barcode(payload, _FORMATS[symbology])
    svg = barcode.to_svg(add_quiet_zones=True)
    svg = svg[svg.index("<svg") :]  # without its DOCTYPE
    return re.sub(r'width="(\d+)" height="(\d+)"', r'viewBox="0 0 \1 \2"', svg, count=1).encode()


def _create_gs1(payload: bytes, symbology: str, text: str) -> zxingcpp.Barcode | None:
    """Return a code with the sign of GS1, or None if it would be read as another one."""
    try:
        barcode = zxingcpp.create_barcode(text, _FORMATS[symbology], gs1=True, force_square=True)
    except ValueError:  # such as an identifier that is not known
        return None
    found = zxingcpp.read_barcodes(barcode.to_image(scale=3, add_quiet_zones=True))
    is_same = [(bytes(one.bytes), one.content_type) for one in found] == [(payload, _GS1)]
    return barcode if is_same else None


def _read_pdf(data: bytes, codes: _Codes) -> int:
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        is_encrypted = error.err_code in {
            pdfium_raw.FPDF_ERR_PASSWORD,
            pdfium_raw.FPDF_ERR_SECURITY,
        }
        raise Refused("encrypted" if is_encrypted else "unreadable") from None
    pages = len(document)
    if not pages:
        raise Refused("unreadable")
    if pages > MAX_PAGES:
        raise Refused("too_many_pages")
    if pdfium_raw.FPDFDoc_GetJavaScriptActionCount(document) or _SCRIPT.search(data):
        raise Refused("script")
    for index in range(pages):
        try:
            image = _render(document[index])
        except pdfium.PdfiumError:
            raise Refused("unreadable") from None
        _find_codes(image, codes, angles=(0,))
    return pages


def _render(page: pdfium.PdfPage) -> Image.Image:
    width, height = page.get_size()
    if not (0 < width < MAX_PAGE_POINTS and 0 < height < MAX_PAGE_POINTS):
        raise Refused("unreadable")
    scale = max(DOTS_PER_INCH / POINTS_PER_INCH, MIN_LONG_SIDE / max(width, height))
    scale = min(scale, (MAX_DECODED_PIXELS / (width * height)) ** 0.5)
    # Its types are incomplete, and say that the scale is an int.
    bitmap = page.render(  # pyright: ignore[reportUnknownVariableType]
        scale=scale,  # pyright: ignore[reportArgumentType]
        grayscale=True,
        may_draw_forms=False,
    )
    return bitmap.to_pil()  # pyright: ignore[reportUnknownVariableType]


def _open_image(data: bytes, media_type: str) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # checked here
    try:
        image = Image.open(io.BytesIO(data), formats=[media_type.removeprefix("image/").upper()])
        if image.width * image.height > MAX_PIXELS:
            raise Refused("too_many_pixels")
        image.draft("L", image.size)  # a JPEG is decoded without its colours
        image.load()
    except (OSError, SyntaxError, ValueError):
        raise Refused("unreadable") from None
    while image.width * image.height > MAX_DECODED_PIXELS:
        image = image.reduce(2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, (TRANSPARENT, TRANSPARENT, TRANSPARENT, 255))
        image = Image.alpha_composite(background, image)
    if image.mode.startswith("I"):  # 16 bits per pixel
        image = image.point(lambda value: value / 256)
    return image.convert("L")


def _find_codes(image: Image.Image, codes: _Codes, angles: Iterable[int]) -> None:
    """Add the codes in an image. Further views are tried until one of them has a code."""
    for view, formats in _views(image, angles):
        found = zxingcpp.read_barcodes(view, formats=formats)
        before = len(codes)
        codes.update(_accepted(found))
        if len(codes) > before:
            return


def _views(
    image: Image.Image, angles: Iterable[int]
) -> Generator[tuple[Image.Image, zxingcpp.BarcodeFormats]]:
    yield image, _ALL_FORMATS
    long_side = max(image.size)
    if long_side < MIN_LONG_SIDE:
        yield ImageOps.scale(image, MIN_LONG_SIDE / long_side), _CHECKED_FORMATS
    image = ImageOps.autocontrast(image, cutoff=2)
    image.thumbnail((MAX_ROTATED_SIDE, MAX_ROTATED_SIDE))
    for angle in angles:
        rotated = image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=TRANSPARENT)
        yield rotated, _CHECKED_FORMATS


def _accepted(found: Iterable[zxingcpp.Barcode]) -> Generator[tuple[tuple[str, bytes], str | None]]:
    for barcode in found:
        symbology = _SYMBOLOGIES.get(barcode.symbology)
        if symbology is None:
            continue
        payload = bytes(barcode.bytes)
        minimum = MIN_UNCHECKED_BYTES if symbology in _UNCHECKED else MIN_PAYLOAD_BYTES
        if len(payload) >= minimum:
            yield (symbology, payload), barcode.text if barcode.content_type == _GS1 else None


def main() -> None:
    """Do one job, `read <media type>` or `draw <symbology>`, and end the process."""
    job, argument = sys.argv[-2:]
    Image.preinit()  # imports what could not be imported later
    decoder_sandbox.enter()
    data = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    output = _draw_from_json(data, argument) if job == "draw" else _read_to_json(data, argument)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(output)
        sys.stdout.flush()
    os._exit(0)  # without the clean-up of the libraries


def _read_to_json(data: bytes, media_type: str) -> bytes:
    try:
        result = read(data, media_type)
    except Refused as refusal:
        result = {"refused": refusal.reason}
    return json.dumps(result).encode()


def _draw_from_json(data: bytes, symbology: str) -> bytes:
    code = json.loads(data)
    return draw(base64.b64decode(code["payload"]), symbology, code["gs1"])
