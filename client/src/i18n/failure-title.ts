import { type ApiFailure, isUnavailable } from "@/lib/api/result";
import { getTranslations } from "./server";

/** Returns the title of a page whose ticket, show or order could not be read. */
export async function failureTitle(failure: ApiFailure): Promise<string> {
  const t = await getTranslations("Error");
  return t(isUnavailable(failure) ? "unavailableTitle" : "notFoundTitle");
}
