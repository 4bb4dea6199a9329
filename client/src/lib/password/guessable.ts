/** Which passwords everyone tries first: the same rules as `auth/common_passwords.py`. */

export const COMMON = "This is one of the most used passwords. Please choose another one";
export const OWN_WORDS = "Choose a password without your email address and the name of this site";

const PRODUCT_WORDS = ["ticketing", "tickets", "ticket"];
const MIN_REST = 6;

/** Returns the services' message about a password that is easy to guess, or null. */
export async function guessableProblem(password: string, email: string): Promise<string | null> {
  if (Array.from(password).length < MIN_REST) return null; // the services say how long it has to be
  const lowered = password.toLowerCase();
  if ((await commonPasswords()).includes(lowered)) return COMMON;
  const rest = wordsOf(email).reduce((left, word) => left.replaceAll(word, ""), lowered);
  return Array.from(rest).length < MIN_REST ? OWN_WORDS : null;
}

/** Returns the most used passwords. They are loaded when they are needed, because they are 40 KB. */
export async function commonPasswords(): Promise<string[]> {
  return (await import("./common-passwords.gen")).COMMON_PASSWORDS.split(" ");
}

/** Returns the words that a password may not consist of, the longest first. */
export function wordsOf(email: string): string[] {
  const own = email.toLowerCase().match(/[\p{L}\p{N}_]{4,}/gu) ?? [];
  const words = new Set([email.toLowerCase(), ...PRODUCT_WORDS, ...own]);
  words.delete("");
  return [...words].sort((a, b) => b.length - a.length);
}
