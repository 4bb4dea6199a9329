import type { MetadataRoute } from "next";
import { paths } from "@/config/paths";
import { findShows } from "@/features/shows/find-shows";
import { getFacets } from "@/features/tickets/get-facets";
import { parseSearch, searchHref } from "@/features/tickets/search";
import { requestOrigin } from "@/lib/request-origin";

/** A few requests to tickets, whatever there is: the shows are those that come next. */
const MAX_PAGES = 10;
const PAGE_SIZE = 100;

const INFO_PAGES = [paths.help, paths.contact, paths.terms, paths.privacy, paths.imprint];

/** The home page, the cities with tickets, and the shows to come, whose pages link to their tickets. */
export default async function sitemap(): Promise<MetadataRoute.Sitemap> {
  const [origin, facets, shows] = await Promise.all([requestOrigin(), getFacets(), showPaths()]);
  const cities = facets.cities.map(({ city }) => searchHref(parseSearch({ city })));
  return [paths.home, ...INFO_PAGES, ...cities, ...shows].map((path) => ({
    url: origin + path,
  }));
}

async function showPaths(): Promise<string[]> {
  const found: string[] = [];
  let cursor = "";
  for (let page = 0; page < MAX_PAGES; page++) {
    const result = await findShows({ limit: PAGE_SIZE, ...(cursor && { cursor }) });
    if (!result.ok) break;
    found.push(...result.data.filter((show) => !show.cancelledAt).map(({ id }) => paths.show(id)));
    if (!result.next) break;
    cursor = result.next;
  }
  return found;
}
