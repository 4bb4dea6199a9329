"""Tests of reading ticket files in a child process."""

import asyncio
import json
import random
import re
import subprocess
import sys
import zlib
from collections.abc import Generator
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from common.errors import BadRequest, UnsupportedMediaType
from common.testing.polling import TIMEOUT_SECONDS, eventually
from tickets import ticket_files
from tickets.sample_files import (
    FORMATS,
    code_image,
    encode,
    gs1_png,
    pdf,
    ticket_image,
    ticket_pdf,
    ticket_png,
)
from tickets.ticket_files import Code, TicketFileReader

PDF, PNG, JPEG = "application/pdf", "image/png", "image/jpeg"
PAYLOAD = b"0123456789123456"
OTHER = b"9876543210987654"
MODULE = 4
"""The pixels of a module of a painted code."""


@pytest.fixture
def reader() -> TicketFileReader:
    return TicketFileReader()


async def _read(reader: TicketFileReader, data: bytes, media_type: str) -> tuple[Code, ...]:
    return (await reader.read(data, media_type)).codes


async def _refusal(reader: TicketFileReader, data: bytes, media_type: str) -> str:
    with pytest.raises(BadRequest) as refused:
        await reader.read(data, media_type)
    (detail,) = refused.value.details
    assert detail.field == "file"
    return detail.message


@pytest.mark.parametrize("symbology", FORMATS)
async def test_code_of_each_symbology_in_a_pdf_is_read(
    reader: TicketFileReader, symbology: str
) -> None:
    file = await reader.read(ticket_pdf(PAYLOAD, symbology=symbology), PDF)

    assert (file.media_type, file.pages) == (PDF, 1)
    assert file.codes == (Code(symbology, PAYLOAD),)


@pytest.mark.parametrize("symbology", FORMATS)
async def test_drawn_code_is_read_as_the_same_code(
    reader: TicketFileReader, symbology: str
) -> None:
    code = Code(symbology, PAYLOAD)

    svg = await reader.draw(code)

    assert svg.startswith(b"<svg ")
    assert b"viewBox" in svg
    assert b"width=" not in svg[: svg.index(b">")]
    assert await _read(reader, encode(_paint(svg)), PNG) == (code,)


def _paint(svg: bytes) -> Image.Image:
    """Return the picture that a browser makes of a drawn code, with more room around it."""
    drawing = svg.decode()
    width, height = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', drawing)[0])
    image = Image.new("1", (MODULE * (width + 8), MODULE * (height + 8)), 1)
    brush = ImageDraw.Draw(image)
    for x, y, across, down in _rectangles(drawing):
        left, top = MODULE * (x + 4), MODULE * (y + 4)
        brush.rectangle((left, top, left + MODULE * across - 1, top + MODULE * down - 1), fill=0)
    return image


def _rectangles(drawing: str) -> Generator[tuple[float, float, float, float]]:
    path = re.findall(r' d="([^"]+)"', drawing)[-1]
    if "segno" not in drawing:
        for left, top, across, down in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+Z", path):
            yield float(left), float(top), float(across), float(down)
        return
    x = y = 0.0  # segno draws lines that are one module high
    for command, across, down in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path):
        if command == "h":
            yield x, y - 0.5, float(across), 1
        x = float(across) + (0 if command == "M" else x)
        y = float(down or 0) + (0 if command == "M" else y)


@pytest.mark.parametrize("symbology", ["qr", "aztec", "data_matrix", "code_128"])
async def test_code_that_follows_gs1_is_drawn_with_its_sign(
    reader: TicketFileReader, symbology: str
) -> None:
    text = "(01)09501101530003(17)280704(10)AB-123(21)X9"
    code = Code(symbology, b"01095011015300031728070410AB-123\x1d21X9", text)

    assert await _read(reader, gs1_png(text, symbology), PNG) == (code,)
    assert await _read(reader, encode(_paint(await reader.draw(code))), PNG) == (code,)


@pytest.mark.parametrize("text", ["(01)nonsense", "(98)another", "no identifier"])
async def test_gs1_code_that_cannot_be_drawn_as_such_is_drawn_plainly(
    reader: TicketFileReader, text: str
) -> None:
    svg = await reader.draw(Code("code_128", PAYLOAD, text))

    assert await _read(reader, encode(_paint(svg)), PNG) == (Code("code_128", PAYLOAD),)


async def test_code_of_any_bytes_is_read_and_drawn(reader: TicketFileReader) -> None:
    payload = bytes(range(256))

    (code,) = await _read(reader, ticket_png(payload), PNG)

    assert code == Code("qr", payload)
    assert await reader.draw(code)


async def test_same_code_on_two_pages_is_one_code(reader: TicketFileReader) -> None:
    file = await reader.read(ticket_pdf(PAYLOAD, OTHER, PAYLOAD), PDF)

    assert file.pages == 3
    assert file.codes == (Code("qr", PAYLOAD), Code("qr", OTHER))


async def test_several_codes_in_a_picture_are_read(reader: TicketFileReader) -> None:
    link = b"https://tickets.example/app"

    codes = await _read(reader, ticket_png(PAYLOAD, link), PNG)

    assert {code.payload: code.is_web_address for code in codes} == {PAYLOAD: False, link: True}


async def test_file_without_a_code_has_none(reader: TicketFileReader) -> None:
    assert await _read(reader, ticket_pdf(), PDF) == ()
    assert await _read(reader, ticket_png(), PNG) == ()


def _noise(image: Image.Image) -> Image.Image:
    source = random.Random(7)
    grain = Image.frombytes("L", image.size, source.randbytes(image.width * image.height))
    return Image.blend(image.filter(ImageFilter.GaussianBlur(1)), grain, 0.15)


@pytest.mark.parametrize(("symbology", "angle"), [("qr", 33), ("pdf417", 20), ("code_128", 40)])
async def test_photo_at_an_angle_is_read(
    reader: TicketFileReader, symbology: str, angle: int
) -> None:
    ticket = Image.new("L", (1_200, 1_200), 225)
    ticket.paste(code_image(PAYLOAD, symbology, module=5), (250, 400))
    corners = (0, -60, 40, 1_200, 1_200, 1_240, 1_160, 0)
    photo = ticket.transform(ticket.size, Image.Transform.QUAD, corners, fillcolor=120)
    photo = _noise(photo.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=90))

    assert await _read(reader, encode(photo.convert("RGB"), "JPEG"), JPEG) == (
        Code(symbology, PAYLOAD),
    )


@pytest.mark.parametrize("is_inverted", [False, True])
async def test_dark_screenshot_is_read(reader: TicketFileReader, *, is_inverted: bool) -> None:
    screenshot = ticket_image(PAYLOAD).point(lambda value: value * 0.125 + 12)
    if is_inverted:
        screenshot = ImageOps.invert(ticket_image(PAYLOAD)).point(lambda value: value * 0.3)

    assert await _read(reader, encode(screenshot), PNG) == (Code("qr", PAYLOAD),)


@pytest.mark.parametrize("module", [1, 2])
async def test_tiny_picture_is_read(reader: TicketFileReader, module: int) -> None:
    tiny = encode(code_image(PAYLOAD, module=module))

    assert await _read(reader, tiny, PNG) == (Code("qr", PAYLOAD),)


async def test_transparent_and_deep_pictures_are_read(reader: TicketFileReader) -> None:
    black = ticket_image(PAYLOAD)
    transparent = Image.new("RGBA", black.size, (0, 0, 0, 0))
    transparent.putalpha(ImageOps.invert(black))
    deep = black.convert("I").point(lambda value: value * 256).convert("I;16")

    for picture in (transparent, deep, black.convert("P"), black.convert("1")):
        assert await _read(reader, encode(picture), PNG) == (Code("qr", PAYLOAD),)


async def test_large_photo_is_read(reader: TicketFileReader) -> None:
    photo = ticket_image(PAYLOAD).resize((5_000, 5_000)).convert("RGB")

    assert await _read(reader, encode(photo, "JPEG"), JPEG) == (Code("qr", PAYLOAD),)


@pytest.mark.parametrize("media_type", ["text/html", "application/vnd.apple.pkpass", ""])
async def test_other_media_type_is_refused(reader: TicketFileReader, media_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        await reader.read(ticket_pdf(PAYLOAD), media_type)


HTML = b"<!doctype html><script>alert(1)</script>"
ENCRYPTED = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<00> <00>]"
SCRIPT = b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >>"
NAMED_SCRIPT = b"/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (1) >>] >> >>"


@pytest.mark.parametrize(
    ("data", "media_type", "message"),
    [
        pytest.param(b"", PDF, "The file is empty", id="empty"),
        pytest.param(HTML, PDF, "not what its type says", id="html as pdf"),
        pytest.param(HTML + ticket_pdf(PAYLOAD), PDF, "not what its type says", id="polyglot"),
        pytest.param(ticket_png(PAYLOAD), PDF, "not what its type says", id="png as pdf"),
        pytest.param(ticket_pdf(PAYLOAD), JPEG, "not what its type says", id="pdf as jpeg"),
        pytest.param(b"%PDF-1.7\n", PDF, "damaged", id="pdf without pages"),
        pytest.param(b"%PDF-1.7\n" + HTML, PDF, "damaged", id="html after a signature"),
        pytest.param(ticket_png(PAYLOAD)[:200], PNG, "damaged", id="half a png"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + HTML, PNG, "damaged", id="html as png"),
        pytest.param(
            pdf([b""], trailer=ENCRYPTED % (b"41" * 32, b"42" * 32)),
            PDF,
            "protected by a password",
            id="encrypted",
        ),
        pytest.param(pdf([b""], catalog=SCRIPT), PDF, "script", id="script at opening"),
        pytest.param(pdf([b""], catalog=NAMED_SCRIPT), PDF, "script", id="named script"),
        pytest.param(pdf([b""] * 10_000), PDF, "has more than 20 pages", id="10,000 pages"),
        pytest.param(
            encode(Image.new("1", (30_000, 30_000))), PNG, "more than 30 megapixels", id="30,000 px"
        ),
    ],
)
async def test_unreadable_file_is_refused_with_the_reason(
    reader: TicketFileReader, data: bytes, media_type: str, message: str
) -> None:
    assert message in await _refusal(reader, data, media_type)


async def test_file_with_many_codes_is_refused(
    reader: TicketFileReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket_files, "MAX_CODES", 1)

    assert "more than 20 codes" in await _refusal(reader, ticket_png(PAYLOAD, OTHER), PNG)


def _inflating(megabytes: int) -> bytes:
    """Return a compressed stream, made without compressing so much."""
    compressor = zlib.compressobj()
    parts = [
        compressor.compress(bytes(1_000_000)) + compressor.flush(zlib.Z_FULL_FLUSH)
        for _ in range(2)
    ]
    return parts[0] + parts[1] * (megabytes - 1) + compressor.flush()


async def test_bomb_is_refused(reader: TicketFileReader) -> None:
    bomb = pdf([zlib.compress(_inflating(700))], filter_name=b"[/FlateDecode /FlateDecode]")
    assert len(bomb) < 100_000

    assert "too much time or memory" in await _refusal(reader, bomb, PDF)


@pytest.mark.parametrize(
    "program",
    ["import time; time.sleep(600)", "print('x' * 10_000_000)", "print('{\"pages\": 0}')", "1 / 0"],
    ids=["hangs", "writes too much", "writes nonsense", "fails"],
)
async def test_child_that_misbehaves_is_an_error_of_the_file(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket_files, "_PROGRAM", program)
    reader = TicketFileReader(timeout_seconds=5 if "sleep" in program else TIMEOUT_SECONDS)

    assert "too much time or memory" in await _refusal(reader, ticket_pdf(PAYLOAD), PDF)


async def test_child_of_a_cancelled_request_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket_files, "_PROGRAM", "import time; time.sleep(600)")
    children: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def start_and_keep(*arguments: str, **options: Any) -> asyncio.subprocess.Process:
        children.append(await start(*arguments, **options))
        return children[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_and_keep)
    reading = asyncio.create_task(TicketFileReader().read(ticket_pdf(PAYLOAD), PDF))

    async def is_started() -> bool:
        return bool(children)

    await eventually(is_started)
    reading.cancel()
    await asyncio.wait([reading])

    assert [child.returncode for child in children] == [-9]


async def test_child_gets_no_environment(
    reader: TicketFileReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_KEY", "secret")
    monkeypatch.setattr(
        ticket_files, "_PROGRAM", "import json, os; print(json.dumps({'refused': str(os.environ)}))"
    )
    monkeypatch.setattr(ticket_files, "_MESSAGES", KeyAsMessage())

    assert "secret" not in await _refusal(reader, ticket_pdf(PAYLOAD), PDF)


class KeyAsMessage(dict[str, str]):
    def get(self, key: str, default: Any = None) -> Any:
        assert default is None
        return key


ATTEMPTS = {
    "open a file": "open('/etc/passwd')",
    "write a file": "open('/tmp/x', 'w')",
    "connect": "socket.socket()",
    "start a process": "os.fork()",
    "run a program": "os.execv('/bin/true', ['true'])",
    "signal its parent": "os.kill(1, 0)",
    "import a module": "import wave",
    "take memory": "bytearray(2 ** 30)",
    "raise a limit": "resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))",
}


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no filter of system calls")
def test_sandbox_permits_only_computing() -> None:
    program = f"""
import json, os, resource, socket
from tickets import decoder_sandbox
decoder_sandbox.enter()
def is_permitted(attempt):
    try:
        exec(attempt)
    except (OSError, ImportError, MemoryError, ValueError):
        return False
    return True
permitted = [name for name, attempt in {ATTEMPTS}.items() if is_permitted(attempt)]
print(json.dumps([sum(range(1000)), permitted]), flush=True)
os._exit(0)
"""
    child = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=TIMEOUT_SECONDS
    )

    assert json.loads(child.stdout) == [499_500, []]
