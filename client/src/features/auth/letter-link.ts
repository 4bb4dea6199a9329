/** What the link of a letter contains. */
export interface LetterLink {
  letter: string;
  token: string;
}

const MAX_LENGTH = 100;
const isPart = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= MAX_LENGTH;

/** Returns the link of a letter from the query of its page, or null if it is incomplete. */
export function parseLetterLink(params: Record<string, unknown>): LetterLink | null {
  const { letter, token } = params;
  return isPart(letter) && isPart(token) ? { letter, token } : null;
}

/** Returns the address of a page with the link of a letter. */
export function pathWithLink(path: string, { letter, token }: LetterLink): string {
  return `${path}?${new URLSearchParams({ letter, token }).toString()}`;
}
