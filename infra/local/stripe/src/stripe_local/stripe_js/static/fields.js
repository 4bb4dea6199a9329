/** The fields of a card form: their formatting and validation. */

import {words} from './words.js';

/**
 * @typedef {{code: string, message: string, final: boolean}} Problem
 *   final: typing more cannot fix it
 */

const incomplete = (code, message) => ({code: `incomplete_${code}`, message, final: false});
const invalid = (code, message) => ({code: `invalid_${code}`, message, final: true});

const digits = (text) => text.replace(/\D/g, '');
const isAmex = (number) => /^3[47]/.test(number);

function passesLuhn(number) {
  const values = [...number].reverse().map(Number);
  const total = values.reduce((sum, value, index) => {
    const doubled = index % 2 ? value * 2 : value;
    return sum + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return total % 10 === 0;
}

function numberProblem(number) {
  if (number.length < (isAmex(number) ? 15 : 16)) {
    return incomplete('number', words.incompleteNumber);
  }
  return passesLuhn(number) ? null : invalid('number', words.invalidNumber);
}

function expiryProblem(expiry) {
  if (expiry.length < 4) return incomplete('expiry', words.incompleteExpiry);
  const month = Number(expiry.slice(0, 2));
  if (month < 1 || month > 12) {
    return invalid('expiry_month', words.invalidMonth);
  }
  const today = new Date();
  const past = (2000 + Number(expiry.slice(2))) * 12 + month
    < today.getFullYear() * 12 + today.getMonth() + 1;
  return past ? invalid('expiry_year_past', words.pastYear) : null;
}

function cvcProblem(cvc, values) {
  const length = isAmex(values.number ?? '') ? 4 : 3;
  return cvc.length < length ? incomplete('cvc', words.incompleteCvc) : null;
}

function postalProblem(postal) {
  return postal ? null : incomplete('zip', words.incompletePostal);
}

function formatNumber(number) {
  const groups = isAmex(number) ? /^(\d{1,4})(\d{1,6})?(\d{1,5})?.*$/ : /^(\d{1,4})(\d{1,4})?(\d{1,4})?(\d{1,4})?.*$/;
  return number.replace(groups, (_, ...parts) => parts.slice(0, -2).filter(Boolean).join(' '));
}

function formatExpiry(expiry) {
  const full = /^[2-9]$/.test(expiry) ? `0${expiry}` : expiry.slice(0, 4);
  return full.length > 2 ? `${full.slice(0, 2)} / ${full.slice(2)}` : full;
}

/**
 * names: of the input in Stripe's card element and in its payment element.
 * parse: from the text of the input to the value; format: from the value to the text.
 */
export const FIELDS = {
  number: {
    names: {card: 'cardnumber', payment: 'number'},
    label: words.number, placeholder: '1234 1234 1234 1234', autocomplete: 'cc-number',
    parse: digits, format: formatNumber, problem: numberProblem,
  },
  expiry: {
    names: {card: 'exp-date', payment: 'expiry'},
    label: words.expiry, placeholder: words.expiryPlaceholder, autocomplete: 'cc-exp',
    parse: digits, format: formatExpiry, problem: expiryProblem,
  },
  cvc: {
    names: {card: 'cvc', payment: 'cvc'},
    label: words.cvc, placeholder: 'CVC', autocomplete: 'cc-csc',
    parse: digits, format: (cvc) => cvc.slice(0, 4), problem: cvcProblem,
  },
  postal: {
    names: {card: 'postal', payment: 'postalCode'},
    label: words.postal, placeholder: '12345', autocomplete: 'postal-code',
    parse: (text) => text.trim(), format: (postal) => postal, problem: postalProblem,
  },
};

/** The fields of each element. */
export const ELEMENTS = {
  card: ['number', 'expiry', 'cvc', 'postal'],
  payment: ['number', 'expiry', 'cvc', 'postal'],
  cardNumber: ['number'],
  cardExpiry: ['expiry'],
  cardCvc: ['cvc'],
};

/** Countries whose cards need a postal code. */
export const POSTAL_COUNTRIES = ['US', 'GB', 'CA'];

export const COUNTRIES = (
  'US GB CA AT AU BE BG CH CY CZ DE DK EE ES FI FR GR HK HR HU IE IT JP LT LU LV MT NL NO NZ PL PT '
  + 'RO SE SG SI SK'
).split(' ');

/** Return the brand of a card number, by its first digits. */
export function brandOf(number) {
  const brands = [
    [/^4/, 'visa'], [/^(5[1-5]|2[2-7])/, 'mastercard'], [/^3[47]/, 'amex'], [/^35/, 'jcb'],
    [/^6/, 'discover'],
  ];
  return brands.find(([start]) => start.test(number))?.[1] ?? 'unknown';
}

/** Return the values as the card parameters of the API. */
export function cardOf(values) {
  return {
    number: values.number,
    exp_month: Number(values.expiry.slice(0, 2)),
    exp_year: 2000 + Number(values.expiry.slice(2)),
    cvc: values.cvc,
  };
}
