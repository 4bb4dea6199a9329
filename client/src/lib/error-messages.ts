import type { Problem, Refusal } from "./api/result";
import type { ProblemKey } from "./validation";

/** The services' refusals by their English words; one that is not here is shown as it came. */
const KNOWN: Record<string, ProblemKey> = {
  "Invalid credentials": "credentials",
  "Email in use": "emailTaken",
  "Email must be valid": "emailInvalid",
  "You must supply a password": "passwordRequired",
  "Password must be between 6 and 128 characters": "passwordLength",
  "Price must be a number": "priceNumber",
  "Price must be at least 0.50": "priceLow",
  "Price must be at most 999,999.99": "priceHigh",
  "Price must have at most two decimals": "priceDecimals",
  "Input should be a valid decimal": "priceNumber",
  "Input should be a finite number": "priceNumber",
  "Input should be greater than or equal to 0": "priceBound",
  "Input should be less than or equal to 1000000": "priceBound",
  "Decimal input should have no more than 2 decimal places": "priceDecimals",
  "Ticket is already reserved": "alreadyReserved",
  "You cannot order your own ticket": "ownTicket",
  "Cannot edit a reserved ticket": "locked",
  "Order is already complete": "orderComplete",
  "This order is already paid": "orderComplete",
  "Cannot pay for a cancelled order": "orderOver",
  "Cannot pay for an expired order": "orderOver",
  "Not Found": "gone",
};

type Words = (key: ProblemKey, values?: { minutes: number }) => string;

export function problemWords(problem: Problem, words: Words): string {
  const known = KNOWN[problem.message];
  return known ? words(known) : problem.message;
}

/** What to say of a refusal: at each field that is at fault, and over all of them. */
export function refusalWords(
  refusal: Refusal,
  words: Words,
): { fields: Record<string, string>; form: string[] } {
  const { status, problems } = refusal;
  if (status === 0) return overall(words("offline"));
  if (status === 429) {
    return overall(words("throttled", { minutes: Math.ceil((refusal.retryAfter ?? 60) / 60) }));
  }
  if (status >= 500) return overall(words("unavailable"));
  if (status === 401) return overall(words("signInAgain"));
  if (status === 404) return overall(words("gone"));
  const fields: Record<string, string> = {};
  const form: string[] = [];
  for (const problem of problems) {
    if (problem.field) fields[problem.field] ??= problemWords(problem, words);
    else form.push(problemWords(problem, words));
  }
  return problems.length === 0 ? overall(words("unexpected")) : { fields, form };
}

const overall = (message: string) => ({ fields: {}, form: [message] });
