import { paths, withShow } from "@/config/paths";
import type { Category, Show } from "@/lib/api/types";
import { localTime, offsetAt, offsetsOf } from "@/lib/show-time";
import type { ProblemKey } from "@/lib/validation";

/** The fields of the form, named as the API names them in its errors. */
export const SHOW_FIELDS = [
  "name",
  "category",
  "venue.name",
  "venue.city",
  "venue.country",
  "timeZone",
  "startsAt",
  "endsAt",
  "offset",
  "another",
  "ticket",
] as const;

/**
 * What is typed into the form. `offset` says which of two equal local times is meant, `ticket` which listed
 * ticket the show is for.
 */
export type ShowInput = Record<(typeof SHOW_FIELDS)[number], string>;

/** Reads what was typed from a form or a query, in which fields may be missing. */
export function readShowInput(
  read: (name: (typeof SHOW_FIELDS)[number]) => string | null | undefined,
): ShowInput {
  return Object.fromEntries(SHOW_FIELDS.map((name) => [name, read(name) ?? ""])) as ShowInput;
}

/** Returns what to type for a show. */
export function typedAs({ name, category, venue, timeZone, startsAt, endsAt }: Show): ShowInput {
  const isTwice = (at: string) => offsetsOf(localTime(at, timeZone), timeZone).length > 1;
  const twice = [startsAt, endsAt].find(isTwice);
  const fields: Partial<ShowInput> = {
    name,
    category,
    "venue.name": venue.name,
    "venue.city": venue.city,
    "venue.country": venue.country,
    timeZone,
    startsAt: localTime(startsAt, timeZone),
    endsAt: localTime(endsAt, timeZone),
    offset: twice ? offsetAt(twice, timeZone) : "",
  };
  return readShowInput((field) => fields[field]);
}

/** Returns a show as the API takes it. */
export function showBody(typed: ShowInput) {
  return {
    name: typed.name.trim(),
    category: typed.category as Category,
    venue: {
      name: typed["venue.name"].trim(),
      city: typed["venue.city"].trim(),
      country: typed["venue.country"],
    },
    timeZone: typed.timeZone,
    startsAt: withOffset(typed.startsAt, typed),
    endsAt: withOffset(typed.endsAt, typed),
    ...(typed.another && { another: true }),
  };
}

/** Returns the page that follows: that of the ticket for which the show was added. */
export function nextPage({ ticket }: ShowInput, showId: string): string {
  return ticket
    ? withShow(paths.showOfTicket(encodeURIComponent(ticket)), showId)
    : paths.newTicketFor(showId);
}

/** Returns the offsets to choose from if the clocks show one of the times twice, or none. */
export function offsetsToChoose({ startsAt, endsAt, timeZone }: ShowInput): string[] {
  const all = [startsAt, endsAt].map((time) => offsetsOf(time, timeZone));
  return all.find((offsets) => offsets.length > 1) ?? [];
}

/** Returns the problem of a local time, or null. */
export function timeProblem(name: "startsAt" | "endsAt", typed: ShowInput): ProblemKey | null {
  const time = typed[name];
  if (time === "") return name === "startsAt" ? "startRequired" : "endRequired";
  const offsets = offsetsOf(time, typed.timeZone);
  if (offsets.length === 0) return "timeMissing";
  if (offsets.length > 1 && !offsets.includes(typed.offset)) return "timeTwice";
  return null;
}

/** Adds the chosen offset to a time that exists twice. */
function withOffset(time: string, { offset, timeZone }: ShowInput): string {
  const offsets = offsetsOf(time, timeZone);
  return offsets.length > 1 && offsets.includes(offset) ? time + offset : time;
}
