import type { Category, ShowFacts, Ticket } from "./api/types";
import { CURRENCY } from "./money";

const EVENT_TYPES: Record<Category, string> = {
  concert: "MusicEvent",
  festival: "Festival",
  theatre: "TheaterEvent",
  comedy: "ComedyEvent",
  sport: "SportsEvent",
  family: "ChildrensEvent",
  other: "Event",
};

/** Returns a show as a schema.org Event, with the offers of a page of its tickets. */
export function showEvent(show: ShowFacts, page: { url: string; prices: number[] }) {
  const prices = [...page.prices].sort((one, other) => one - other);
  return {
    ...eventOf(show),
    url: page.url,
    ...(prices.length > 0 && {
      offers: {
        "@type": "AggregateOffer",
        priceCurrency: CURRENCY,
        lowPrice: prices[0],
        highPrice: prices.at(-1),
        offerCount: prices.length,
        url: page.url,
      },
    }),
  };
}

/** Returns the show of a ticket as a schema.org Event, with the ticket as its offer. */
export function ticketEvent(ticket: Ticket, show: ShowFacts, url: string) {
  const isForSale = ticket.status === "available" && !ticket.withdrawn;
  return {
    ...eventOf(show),
    offers: {
      "@type": "Offer",
      name: ticket.title,
      price: ticket.price,
      priceCurrency: CURRENCY,
      availability: `https://schema.org/${isForSale ? "InStock" : "SoldOut"}`,
      validThrough: show.startsAt,
      url,
    },
  };
}

function eventOf({ name, startsAt, endsAt, category, cancelledAt, venue }: ShowFacts) {
  return {
    "@type": EVENT_TYPES[category],
    name,
    startDate: startsAt,
    endDate: endsAt,
    eventStatus: `https://schema.org/${cancelledAt ? "EventCancelled" : "EventScheduled"}`,
    eventAttendanceMode: "https://schema.org/OfflineEventAttendanceMode",
    location: {
      "@type": "Place",
      name: venue.name,
      address: {
        "@type": "PostalAddress",
        addressLocality: venue.city,
        addressCountry: venue.country,
      },
    },
  };
}
