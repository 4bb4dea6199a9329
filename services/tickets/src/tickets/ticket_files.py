"""Reading ticket files: which codes a PDF or an image contains, and drawing a code again.

The decoding is done by a child process without secrets (`tickets.ticket_file_decoder`).
"""

import asyncio
import base64
import contextlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import structlog
from pydantic import Base64Bytes, BaseModel, Field, ValidationError

from common.errors import BadRequest, ServiceUnavailable, UnsupportedMediaType

log = structlog.get_logger("ticket files")

MEDIA_TYPES: Final = frozenset({"application/pdf", "image/png", "image/jpeg"})
ONLY_THESE_TYPES: Final = "Choose a PDF, PNG or JPEG file"
MAX_CHILDREN: Final = 2
"""At a time. The others wait, so children never take more than twice the memory of one."""
TIMEOUT_SECONDS: Final = 60
"""Of the child. Its CPU time is limited to less."""
MAX_CODES: Final = 20
MAX_PAGES: Final = 20
MAX_PAYLOAD_BYTES: Final = 8 * 1024
MAX_OUTPUT_BYTES: Final = 512 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_SOURCES: Final = str(Path(__file__).parents[1])
_PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]); from tickets import ticket_file_decoder as decoder; "
    "decoder.main()"
)
"""Isolated Python ignores PYTHONPATH, by which the images find the sources."""
_FIELD: Final = "file"
_WEB_ADDRESS: Final = re.compile(r"(https?://|www\.)[^\s]+", re.IGNORECASE)

Symbology = Literal["qr", "aztec", "pdf417", "data_matrix", "code_128", "code_39", "itf"]

_TRY_AGAIN: Final = "Download it again from where you bought the ticket, or take a picture of it"
_MESSAGES: Final = {
    "empty": "The file is empty",
    "other_type": "The file is not what its type says. Choose a PDF, PNG or JPEG file",
    "encrypted": "The PDF is protected by a password. Save it without the password",
    "unreadable": f"The file is damaged. {_TRY_AGAIN}",
    "script": "The PDF contains a script or starts a program. Print it into a new PDF file",
    "too_many_pages": f"The PDF has more than {MAX_PAGES} pages. Choose the pages of one ticket",
    "too_many_pixels": "The image has more than 30 megapixels. Take a smaller picture",
    "too_many_codes": f"The file has more than {MAX_CODES} codes. Choose a file with one ticket",
    "too_expensive": f"The file takes too much time or memory to read. {_TRY_AGAIN}",
}


@dataclass(frozen=True, slots=True)
class Code:
    """A code that a machine at the entrance can read."""

    symbology: str
    payload: bytes
    gs1: str | None = None
    """The text of a code that follows GS1: its payload with each identifier in parentheses."""

    @property
    def is_web_address(self) -> bool:
        """Whether the code is nothing but a link, such as one to an app."""
        return _WEB_ADDRESS.fullmatch(self.payload.decode("latin-1").strip()) is not None


@dataclass(frozen=True, slots=True)
class TicketFile:
    """What was read in a file."""

    media_type: str
    pages: int
    codes: tuple[Code, ...]


class _ReadCode(BaseModel):
    symbology: Symbology
    payload: Annotated[Base64Bytes, Field(min_length=1, max_length=MAX_PAYLOAD_BYTES)]
    gs1: Annotated[str, Field(max_length=2 * MAX_PAYLOAD_BYTES)] | None = None


class _Reading(BaseModel):
    refused: str | None = None
    pages: Annotated[int, Field(ge=1, le=MAX_PAGES)] = 1
    codes: list[_ReadCode] = []


class TicketFileReader:
    """Starts the child processes, a few at a time."""

    def __init__(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds
        self._places = asyncio.Semaphore(MAX_CHILDREN)

    async def read(self, data: bytes, media_type: str) -> TicketFile:
        """Return the codes in a file, which may have none.

        Raises:
            UnsupportedMediaType: the media type is no type of a ticket file.
            BadRequest: the file is not accepted; the message says why.
        """
        if media_type not in MEDIA_TYPES:
            raise UnsupportedMediaType(ONLY_THESE_TYPES, field=_FIELD)
        output = await self._run(data, "read", media_type)
        try:
            reading = _Reading.model_validate_json(output)
        except ValidationError:
            reading = _Reading(refused="too_expensive")  # its process was killed by a limit
        if len(reading.codes) > MAX_CODES:
            reading = _Reading(refused="too_many_codes")
        if reading.refused is not None:
            log.info("ticket file refused", reason=reading.refused, media_type=media_type)
            raise BadRequest(_MESSAGES.get(reading.refused), field=_FIELD)
        codes = tuple(Code(code.symbology, code.payload, code.gs1) for code in reading.codes)
        return TicketFile(media_type, reading.pages, codes)

    async def draw(self, code: Code) -> bytes:
        """Return a code as an SVG image that has the size of its page."""
        payload = base64.b64encode(code.payload).decode()
        data = json.dumps({"payload": payload, "gs1": code.gs1}).encode()
        svg = await self._run(data, "draw", code.symbology)
        if not svg:
            raise ServiceUnavailable("The code cannot be drawn. Use the file", retry_after=5)
        return svg

    async def _run(self, data: bytes, job: str, argument: str) -> bytes:
        """Return the output of a child process, or nothing if it exceeds a limit."""
        async with self._places:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-c",
                _PROGRAM,
                _SOURCES,
                job,
                argument,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,  # Ctrl-C is for its parent, which kills it
            )
            sending = asyncio.create_task(_send(data, child.stdin))
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    output = await _receive(child.stdout)
                    if len(output) > MAX_OUTPUT_BYTES:
                        return b""
                    await child.wait()
            except TimeoutError:
                return b""
            else:
                return output
            finally:
                sending.cancel()
                if child.returncode is None:
                    child.kill()
                    await child.wait()


async def _send(data: bytes, stdin: asyncio.StreamWriter | None) -> None:
    if stdin is None:
        return
    with contextlib.suppress(ConnectionError):  # the child has ended already
        stdin.write(data)
        await stdin.drain()
        stdin.close()
        await stdin.wait_closed()


async def _receive(stdout: asyncio.StreamReader | None) -> bytes:
    """Return the output until its end, or until it is longer than that of any file."""
    output = bytearray()
    while stdout is not None and len(output) <= MAX_OUTPUT_BYTES:
        chunk = await stdout.read(_CHUNK_BYTES)
        if not chunk:
            break
        output += chunk
    return bytes(output)
