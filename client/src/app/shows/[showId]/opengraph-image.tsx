import { notFound } from "next/navigation";
import { Poster } from "@/components/show/poster";
import { getShow } from "@/features/shows/get-show";
import { getReaderLocale } from "@/i18n/server";
import { cachedImage } from "@/lib/image-cache";
import { drawable, IMAGE_SIZE, shareImage } from "@/lib/og-image";
import { formatPlace } from "@/lib/place";
import { formatShowStart } from "@/lib/show-time";

export const alt = "The day and the place of the show";
export const size = IMAGE_SIZE;
export const contentType = "image/png";

/** The preview of a shared show. */
export default async function Image({ params }: { params: Promise<{ showId: string }> }) {
  const [show, { locale }] = await Promise.all([
    params.then(({ showId }) => getShow(showId)),
    getReaderLocale(),
  ]);
  if (!show.ok) notFound();
  const { id, category, name, venue, version } = show.data;
  const when = formatShowStart(show.data, locale, show.date).replace(/\s/g, " ");
  return cachedImage(`${id} ${version} ${when}`, () =>
    shareImage({
      art: <Poster id={id} category={category} width="480" height="630" />,
      title: drawable(name),
      lines: [drawable(when), drawable(formatPlace(venue))],
    }),
  );
}
