import type { MetadataRoute } from "next";
import { paths } from "@/config/paths";
import { requestOrigin } from "@/lib/request-origin";

/** Pages that are for one person, or for none. */
const PRIVATE = [
  ...["/api/", "/auth/", "/pass/", paths.account, paths.orders],
  ...[paths.myTickets, paths.newTicket, paths.newShow],
];

export default async function robots(): Promise<MetadataRoute.Robots> {
  return {
    rules: { userAgent: "*", allow: "/", disallow: PRIVATE },
    sitemap: `${await requestOrigin()}/sitemap.xml`,
  };
}
