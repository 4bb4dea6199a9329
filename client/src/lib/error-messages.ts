import type { ApiFailure, Problem } from "./api/result";
import type { ProblemKey } from "./validation";

/** Translations of the services' error messages. Others are shown in English. */
const KEY_BY_MESSAGE: Record<string, ProblemKey> = {
  "Invalid credentials": "credentials",
  "Email in use": "emailTaken",
  "Email must be valid": "emailInvalid",
  "Email must use letters of one alphabet": "emailMixed",
  "You must supply a password": "passwordRequired",
  "Password must be between 6 and 128 characters": "passwordLength",
  "This is one of the most used passwords. Please choose another one": "passwordCommon",
  "Choose a password without your email address and the name of this site": "passwordOwnWords",
  "Your email address is confirmed already": "emailConfirmed",
  "This is your email address already": "emailSame",
  "The password is wrong": "passwordWrong",
  "Your account is suspended. The page of your account says why": "suspended",
  "Please confirm that it is you": "confirmFirst",
  "You have an unpaid order. Pay for it or cancel it first": "leaveUnpaid",
  "Somebody has reserved one of your tickets": "leaveReserved",
  "A payment or a refund of yours is not completed yet": "leavePayment",
  "You bought a ticket whose show has not ended yet": "leaveBought",
  "This account is being deleted": "leaveClosing",
  "This link was used already, has expired, or is incomplete": "linkInvalid",
  "This passkey could not be verified": "passkeyRefused",
  "Add a passkey first": "passkeyFirst",
  "You can have at most 10 passkeys": "passkeysMany",
  "Turn off the second step first, because this is your last passkey": "passkeyLast",
  "This code is wrong, or was used already": "codeWrong",
  "Sign in again, because too much time has passed": "signInAgain",
  "Your account asks for no second step": "signInAgain",
  "Choose a new password by mail first": "resetFirst",
  "Your address cannot change while your second step is being removed": "addressProtected",
  "must contain a visible character": "titleRequired",
  "must not contain control characters": "titleControl",
  "must have at most 4 marks on a letter": "titleMarks",
  "Price must be a number": "priceNumber",
  "Price must be at least 0.50": "priceLow",
  "Price must be at most 999,999.99": "priceHigh",
  "Price must have at most two decimals": "priceDecimals",
  "Input should be a valid decimal": "priceNumber",
  "Input should be a finite number": "priceNumber",
  "Decimal input should have no more than 2 decimal places": "priceDecimals",
  "Ticket is already reserved": "alreadyReserved",
  "You cannot order your own ticket": "ownTicket",
  "You have too many unpaid orders": "tooManyOrders",
  "You have ordered this ticket repeatedly without paying": "orderedRepeatedly",
  "It has changed since you read it": "listingChanged",
  "Order is already complete": "orderComplete",
  "This order is already paid": "orderComplete",
  "Order is not paid": "orderUnpaid",
  "It is decided already what becomes of this order": "refundNotPossible",
  "The seller has not offered a refund": "refundNotOffered",
  "Your payouts wait, because your second step is being removed": "payoutsProtected",
  "Not Found": "gone",
  "A show must end after it starts": "endBeforeStart",
  "A show must end at most 31 days after it starts": "endTooLate",
  "A show must start in the future": "startPast",
  "A show must start within three years": "startFar",
  "must be a date and time such as 2027-06-14T20:00": "timeInvalid",
  "must be a time zone of the IANA database, such as Europe/Berlin": "zoneUnknown",
  "must be a country code of ISO 3166, such as DE": "countryUnknown",
  "This show was cancelled": "showCancelled",
  "This show has begun": "showStarted",
  "There is no such show": "showGone",
  "There is such a show already": "showSame",
  "Others sell or buy tickets for this show, so it cannot be changed": "showClosed",
  "A cancelled show cannot be changed": "showCancelled",
  "Ticket was withdrawn by its seller": "withdrawn",
  "Ticket is already sold": "sold",
  "The show is cancelled": "showCancelled",
  "The show has started": "showStarted",
  "This ticket is being checked": "frozen",
  "The file is empty": "fileEmpty",
  "The file is not what its type says. Choose a PDF, PNG or JPEG file": "fileOther",
  "The PDF is protected by a password. Save it without the password": "fileProtected",
  "This ticket is listed already": "fileTaken",
  "You have listed this ticket already": "fileListed",
  "You withdrew this ticket a moment ago. Try again in a minute": "withdrawnJustNow",
  "The file of this ticket was removed": "fileRemoved",
  "You bought this ticket here. List it from its order": "fileBought",
  "You are uploading another file": "fileBusy",
  "The file of a ticket that was bought here cannot be replaced": "fileKept",
  "You have already listed this ticket again": "resaleListed",
  "It was removed": "gone",
  "The ticket is listed again": "resaleListed",
  "There is no paid ticket of this order": "resaleNotYours",
  "Face value must be a number": "priceNumber",
  "Face value must be at least 0.01": "priceNumber",
  "Face value must be at most 999,999.99": "priceHigh",
  "Face value must have at most two decimals": "priceDecimals",
};

type Values = Record<string, string | number>;
type Translate = (key: ProblemKey, values?: Values) => string;

/** Messages with values, whose names in the translation are those of the groups. */
const KEY_BY_PATTERN: [RegExp, ProblemKey][] = [
  [/^Input should be .* than or equal/, "priceBound"],
  [/^Cannot pay/, "orderOver"],
  [/^Cannot .* reserved/, "locked"],
  [/^Cannot .* withdrawn/, "withdrawn"],
  [/^does not exist in /, "timeMissing"],
  [/^exists twice in /, "timeTwice"],
  [/^There is a show .* (?<time>\d\d:\d\d)$/, "showExists"],
  [/^The face value is .* (?<percent>\d+) %/, "faceValueRequired"],
  [/^The price may .* (?<highest>[\d,.]+), .* (?<percent>\d+) %/, "priceCap"],
  [/^You can list .* day$/, "listingLimit"],
  [/^The file is damaged/, "fileUnreadable"],
  [/^The file takes/, "fileUnreadable"],
  [/^The PDF contains/, "fileScript"],
  [/^The PDF has .* (?<most>\d+)/, "filePages"],
  [/^The image has/, "filePixels"],
  [/^The file has .* (?<most>\d+)/, "fileCodes"],
  [/^You can upload .* day$/, "uploadLimit"],
  [/^You can add .* day$/, "showLimit"],
  [/^You can change .* day$/, "showChangeLimit"],
];

export function errorMessage({ message }: Problem, translate: Translate): string {
  const found = findKey(message);
  return found ? translate(...found) : message;
}

function findKey(message: string): [ProblemKey, Values?] | null {
  const key = KEY_BY_MESSAGE[message];
  if (key) return [key];
  for (const [pattern, patternKey] of KEY_BY_PATTERN) {
    const match = pattern.exec(message);
    if (match) return [patternKey, { ...match.groups }];
  }
  return null;
}

/** Returns the translated errors of a failed request, by field and for the whole form. */
export function errorMessages(
  failure: ApiFailure,
  translate: Translate,
): { fields: Record<string, string>; form: string[] } {
  const { status, problems } = failure;
  if (status === 0) return formError(translate("offline"));
  if (status === 429) {
    const [key] = problems.map(({ message }) => findKey(message)).find(Boolean) ?? [];
    const minutes = Math.ceil((failure.retryAfter ?? 60) / 60);
    return formError(translate(key ?? "throttled", { minutes }));
  }
  if (status === 408 || status >= 500) return formError(translate("unavailable"));
  if (status === 401) return formError(translate("signInAgain"));
  if (status === 404) return formError(translate("gone"));
  if (status === 412) return { fields: {}, form: [] }; // the form shows what was changed
  const fields: Record<string, string> = {};
  const form: string[] = [];
  for (const problem of problems) {
    if (problem.field) fields[problem.field] ??= errorMessage(problem, translate);
    else form.push(errorMessage(problem, translate));
  }
  return problems.length === 0 ? formError(translate("unexpected")) : { fields, form };
}

const formError = (message: string) => ({ fields: {}, form: [message] });
