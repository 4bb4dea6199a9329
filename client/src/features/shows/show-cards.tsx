import { paths } from "@/config/paths";
import type { ApiResult } from "@/lib/api/result";
import type { Show } from "@/lib/api/types";
import { ShowCard } from "./show-card";

/** A section of shows, or nothing if there are none. */
export function ShowCards({ title, result }: { title: string; result: ApiResult<Show[]> }) {
  if (!result.ok || result.data.length === 0) return null;
  return (
    <section aria-labelledby="shows" className="pt-10">
      <h2 id="shows" className="mb-5 text-2xl font-semibold">
        {title}
      </h2>
      <ul className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        {result.data.map((show) => (
          <ShowCard
            key={show.id}
            show={show}
            href={paths.show(show.id)}
            heading="h3"
            now={result.date}
          />
        ))}
      </ul>
    </section>
  );
}
