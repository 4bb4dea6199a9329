import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";

const PYTHON = resolve(import.meta.dirname, "../../.venv/bin/python");

const WRITE =
  "import sys; from tickets import sample_files as s; " +
  "codes = [code.encode() for code in sys.argv[2:]]; " +
  "sys.stdout.buffer.write(getattr(s, sys.argv[1])(*codes))";

const READ =
  "import io, sys, zxingcpp; from PIL import Image; " +
  "print(*sorted(code.text for code in zxingcpp.read_barcodes(Image.open(io.BytesIO(sys.stdin.buffer.read())))))";

export interface TicketFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** Returns a code that no other test uses. */
export const newCode = () => `ticket-${randomUUID()}`;

/** Returns a PDF with a page for each QR code. */
export function ticketPdf(...codes: string[]): TicketFile {
  const buffer = execFileSync(PYTHON, ["-c", WRITE, "ticket_pdf", ...codes]);
  return { name: "ticket.pdf", mimeType: "application/pdf", buffer };
}

/** Returns a picture with QR codes, or of nothing. */
export function ticketPng(...codes: string[]): TicketFile {
  const buffer = execFileSync(PYTHON, ["-c", WRITE, "ticket_png", ...codes]);
  return { name: "ticket.png", mimeType: "image/png", buffer };
}

/** Returns what a scanner reads in a picture, such as a screenshot. */
export function readCodes(picture: Buffer): string {
  return execFileSync(PYTHON, ["-c", READ], { input: picture, encoding: "utf8" }).trim();
}
