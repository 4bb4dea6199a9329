import { Poster } from "@/components/show/poster";
import { IMAGE_SIZE, shareImage } from "@/lib/og-image";

export const alt = "Ticketing";
export const size = IMAGE_SIZE;
export const contentType = "image/png";

/** The preview of pages that have none of their own. Drawn when the client is built. */
export default function Image() {
  return shareImage({
    art: <Poster id="ticketing" category="concert" width="480" height="630" />,
    title: "Someone can’t go. You can.",
    lines: ["Single tickets, held for you while you pay."],
  });
}
