import { ImageResponse } from "next/og";
import type { ReactNode } from "react";

export const IMAGE_SIZE = { width: 1200, height: 630 };

/** Letters that the font has. For others, the library would ask a server on the internet. */
const KNOWN = /^[\u0020-\u024f\u2010-\u2026\u20ac]*$/;

const MAX_LENGTH = 90;

/** Returns the text if it can be drawn, shortened if it is long. */
export function drawable(text: string): string {
  if (!KNOWN.test(text)) return "";
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH).trimEnd()}…` : text;
}

/** Returns the preview of a shared page: artwork on the left, and lines of text. */
export function shareImage(props: { art: ReactNode; title: string; lines: string[] }) {
  return new ImageResponse(
    <div style={{ display: "flex", width: "100%", height: "100%", background: "#f7f4ee" }}>
      <div style={{ display: "flex", width: 480, height: 630 }}>{props.art}</div>
      <div
        style={{
          display: "flex",
          flexDirection: "column",
          justifyContent: "center",
          flex: 1,
          padding: 64,
          color: "#1d1b18",
          fontSize: 34,
        }}
      >
        <div style={{ fontSize: props.title.length > 40 ? 52 : 68, lineHeight: 1.1 }}>
          {props.title}
        </div>
        {props.lines.filter(Boolean).map((line) => (
          <div key={line} style={{ marginTop: 24, color: "#655f55" }}>
            {line}
          </div>
        ))}
        <div style={{ marginTop: 48, color: "#b93a1a" }}>Ticketing</div>
      </div>
    </div>,
    IMAGE_SIZE,
  );
}
