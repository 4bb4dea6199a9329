import type { InfoContent } from "./content";
import { ENGLISH_HELP } from "./help-en";

export const ENGLISH: InfoContent = {
  notice:
    "This page is a template. The operator of this site has not completed it yet, so don’t rely on it.",
  missing: {
    operator: "[name of who runs this site]",
    address: "[postal address]",
    email: "[email address]",
  },
  pages: {
    help: ENGLISH_HELP,
    contact: {
      title: "Contact",
      lead: "How to reach us.",
      sections: [
        { heading: "Who we are", paragraphs: ["{operator}", "{address}", "{email}"] },
        {
          heading: "About an order",
          paragraphs: [
            "Please send us the order number. You find it under “My orders”. Never send us your password or your card number.",
          ],
        },
        {
          heading: "About security",
          paragraphs: [
            "Have you found a weakness of this site? Write to {email} before you publish it, so that we can fix it first.",
          ],
        },
      ],
    },
    terms: {
      title: "Terms of use",
      lead: "What applies when you buy or sell here.",
      sections: [
        {
          heading: "Who runs this site",
          paragraphs: ["{operator}, {address}. How to reach us: {email}."],
        },
        {
          heading: "What this site does",
          paragraphs: [
            "It is a marketplace where people sell single tickets to each other. The contract of sale is between the buyer and the seller. We hold the ticket for the buyer while they pay, and take the payment.",
            "We do not check whether a ticket is genuine. If its seller has put it into the vault, we pass the file on to its buyer; if not, we don’t pass it on.",
          ],
        },
        {
          heading: "Your account",
          paragraphs: [
            "Use an email address of your own, keep your password to yourself, and don’t use several accounts to get around a limit.",
          ],
        },
        {
          heading: "Selling",
          paragraphs: [
            "List only a ticket that is yours and that you may resell, describe it correctly, and don’t offer it elsewhere at the same time. A listing is an offer to everyone: the first person who reserves it and pays in time has bought it at the price shown to them. You then have to hand it over, unless it’s in the vault.",
          ],
        },
        {
          heading: "Buying",
          paragraphs: [
            "Reserving a ticket costs nothing and does not oblige you to pay. You buy it by paying within the time shown. A payment that arrives later is returned.",
          ],
        },
        {
          heading: "Payment",
          paragraphs: [
            "Prices are in US dollars. We add no fees. Stripe processes the payments under its own terms.",
          ],
        },
        {
          heading: "What the law adds",
          paragraphs: [
            "[Liability, the right of withdrawal, resale rules, applicable law and settlement of disputes, as the law of the operator’s country requires]",
          ],
        },
      ],
    },
    privacy: {
      title: "Privacy",
      lead: "What we store about you, why, and for how long.",
      sections: [
        {
          heading: "Who is responsible",
          paragraphs: ["{operator}, {address}, {email}."],
        },
        {
          heading: "Your account and your sessions",
          paragraphs: [
            "Your email address and your password, which we store only as a hash, as long as the account exists.",
            "The public key and the name of each passkey, until 180 days after you remove it, and your recovery codes, only as hashes. What we wrote to you, for 180 days.",
            "For each sign-in the name of your browser and your IP address, so that you can recognise it under “Account”. A session lasts 30 days at most and is deleted a day after its end.",
          ],
        },
        {
          heading: "What you buy and sell",
          paragraphs: [
            "Your listings and orders with their prices and times, and each change of them, as a record of the sale. Everyone can see a listing, but not your email address.",
            "The file of a ticket that you put into the vault, encrypted, and when its buyer opened it. Its buyer gets the file as it is, with everything that is on it.",
            "When you open a ticket that you bought, your browser keeps its codes on your device, so that they work without a connection. They are removed when you sign out, or when your session has ended and you visit this site.",
          ],
        },
        {
          heading: "Payments",
          paragraphs: [
            "You enter your card into fields of Stripe, which receives its number; we do not. We store the amount, the outcome, the brand and the last four digits of the card. On the page where you pay, Stripe loads its script and uses cookies against fraud: https://stripe.com/privacy",
            "If you sell, we store the number and the state of your account at Stripe and what you were paid. What you enter there, such as your bank account, Stripe receives; we do not.",
          ],
        },
        {
          heading: "Protection against misuse",
          paragraphs: [
            "Attempts to sign in, to sign up and to pay are counted by account, card and IP address, for a day at most. A card that its bank reports as stolen stays blocked for your account for 90 days.",
            "Server logs: [what the operator’s servers log, and for how long]",
          ],
        },
        {
          heading: "Cookies",
          paragraphs: [
            "Two keep you signed in (30 days), one lets us recognise your browser when someone else tries your password (400 days), two keep your language and time zone (a year), and without script one keeps a typed email address (a minute) and one the second step of a sign-in (five minutes). There are no cookies for advertising or analytics.",
          ],
        },
        {
          heading: "Your rights",
          paragraphs: [
            "Under “Account” you can download what is stored about you and delete your account. You can also ask what we store about you, have it corrected or deleted, get a copy of it, and object to its use. Write to {email}. You can also complain to a data protection authority.",
          ],
        },
      ],
    },
    imprint: {
      title: "Imprint",
      lead: "Who is responsible for this site.",
      sections: [
        { heading: "Operator", paragraphs: ["{operator}", "{address}", "{email}"] },
        {
          heading: "Further details",
          paragraphs: ["[Legal form, who represents the operator, register number and VAT ID]"],
        },
      ],
    },
  },
};
