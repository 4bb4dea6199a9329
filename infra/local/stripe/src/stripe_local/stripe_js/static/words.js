/** The texts of the card form. A language that is not here gets English. */

import {query} from './page.js';

const WORDS = {
  en: {
    note: 'Local Stripe: test cards only',
    number: 'Card number',
    expiry: 'Expiration date',
    expiryPlaceholder: 'MM / YY',
    cvc: 'Security code',
    postal: 'ZIP code',
    country: 'Country',
    incompleteNumber: 'Your card number is incomplete.',
    invalidNumber: 'Your card number is invalid.',
    incompleteExpiry: "Your card's expiration date is incomplete.",
    invalidMonth: "Your card's expiration month is invalid.",
    pastYear: "Your card's expiration year is in the past.",
    incompleteCvc: "Your card's security code is incomplete.",
    incompletePostal: 'Your postal code is incomplete.',
  },
  de: {
    note: 'Lokales Stripe: nur Testkarten',
    number: 'Kartennummer',
    expiry: 'Ablaufdatum',
    expiryPlaceholder: 'MM / JJ',
    cvc: 'Sicherheitscode',
    postal: 'Postleitzahl',
    country: 'Land',
    incompleteNumber: 'Die Kartennummer ist unvollständig.',
    invalidNumber: 'Die Kartennummer ist ungültig.',
    incompleteExpiry: 'Das Ablaufdatum der Karte ist unvollständig.',
    invalidMonth: 'Der Monat des Ablaufdatums ist ungültig.',
    pastYear: 'Das Ablaufdatum der Karte liegt in der Vergangenheit.',
    incompleteCvc: 'Der Sicherheitscode der Karte ist unvollständig.',
    incompletePostal: 'Die Postleitzahl ist unvollständig.',
  },
};

/** The language of `elements({locale})`; `auto`, the default, is the browser's. */
const asked = (query.get('locale') ?? 'auto').replace('auto', navigator.language).slice(0, 2);

export const LANGUAGE = asked in WORDS ? asked : 'en';
export const words = WORDS[LANGUAGE];
