import { paths } from "@/config/paths";
import { getShow } from "@/features/shows/get-show";
import { isUnavailable } from "@/lib/api/result";
import { showCalendar } from "@/lib/calendar";
import { requestOrigin } from "@/lib/request-origin";

/** Returns a show as a file for calendars. */
export async function GET(_: Request, context: RouteContext<"/shows/[showId]/calendar.ics">) {
  const { showId } = await context.params;
  const [show, origin] = await Promise.all([getShow(showId), requestOrigin()]);
  if (!show.ok) return new Response(null, { status: isUnavailable(show) ? 503 : 404 });
  const url = `${origin}${paths.show(showId)}`;
  const text = showCalendar(show.data, { url, host: new URL(origin).host, now: show.date });
  return new Response(text, {
    headers: {
      "content-type": "text/calendar; charset=utf-8",
      "content-disposition": 'attachment; filename="show.ics"',
      "cache-control": "no-store",
    },
  });
}
