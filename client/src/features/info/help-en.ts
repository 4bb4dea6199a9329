import type { InfoText } from "./content";

export const ENGLISH_HELP: InfoText = {
  title: "Help",
  lead: "How buying and selling works here.",
  sections: [
    {
      heading: "How do I buy a ticket?",
      paragraphs: [
        "Open a ticket and choose “Reserve and pay”. For the time that the page then shows, nobody else can buy it. Pay by card within that time and it’s yours.",
        "If you don’t pay in time, the reservation ends, nothing is charged, and the ticket goes back on sale.",
      ],
    },
    {
      heading: "What does it cost?",
      paragraphs: [
        "The price that you see, in US dollars. We add no fees. Your bank may charge you for paying in a foreign currency.",
      ],
    },
    {
      heading: "My card was declined",
      paragraphs: [
        "Nothing was charged. Your order stays open, so you can try again or use another card, a limited number of times.",
      ],
    },
    {
      heading: "I paid, but too late",
      paragraphs: [
        "A payment that arrives after the reservation has ended is returned to your card automatically. Banks take a few days to show it. The page of your order says what happened.",
      ],
    },
    {
      heading: "How do I get the ticket that I bought?",
      paragraphs: [
        "If it was in the vault: open your order under “My orders” and choose “Get your ticket”.",
        "If it was described by its seller: from the seller, not from us. Write to {email} with your order number, and we put you in touch.",
      ],
    },
    {
      id: "protection",
      heading: "What do “In the vault” and “Described by its seller” mean?",
      paragraphs: [
        "Described by its seller: we haven’t seen the ticket. You rely on its seller to have it, to sell it once, and to hand it over.",
        "In the vault: its seller has given us the file of the ticket, and we keep it encrypted. Right after paying, its buyer gets it here. Nobody else can open it here, not even its seller. No other listing here has the same code, if we could read it. We can’t check whether the organiser accepts the ticket, or whether its seller has given away a copy elsewhere.",
        "In the vault, opened before: someone bought it here, opened it, and now sells it again. They lose it when it’s sold, but may have kept a copy. A ticket that its buyer has not opened can be sold again without this note.",
        "Re-issued by the organiser: the organiser makes a new ticket for the buyer, so that earlier ones stop being valid. No organiser does so here yet.",
      ],
    },
    {
      heading: "How do I sell a ticket?",
      paragraphs: [
        "Choose “Sell a ticket”, find its show, so that buyers find the ticket by day and place, and set a price. It goes live straight away. Then put the file of the ticket into the vault: a PDF, or a photo or screenshot of it. Buyers see that it’s there. You can change it until someone reserves it, and withdraw it until it’s sold.",
      ],
    },
    {
      heading: "My ticket is sold. What now?",
      paragraphs: [
        "If you had put it into the vault, the buyer gets it from us. If not, get it to the buyer: write to {email} with the title of your listing, and we put you in touch.",
      ],
    },
    {
      id: "payouts",
      heading: "When do I get my money?",
      paragraphs: [
        "Three days after the show. Without a show, 14 days after the buyer has opened the ticket or said that it arrived, at the latest 90 days after the sale. Until then we keep it, so that the buyer gets it back if something is wrong.",
        "Open “Account”, then “What you earn”, and enter at Stripe, who pays for us, where it goes. You can do that after the sale: the money waits.",
      ],
    },
    {
      heading: "My account",
      paragraphs: [
        "Under “Account” you see where you are signed in, and can end any session. There you change your password and your address, add passkeys, export your data, and delete your account.",
      ],
    },
  ],
};
