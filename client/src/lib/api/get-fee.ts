import "server-only";

import { cache } from "react";
import { toResult } from "./result";
import { api } from "./server";

/** Returns the platform's share of a price in hundredths of a percent, or null while payments is unavailable. */
export const getFee = cache(async (): Promise<number | null> => {
  const config = await toResult((await api()).GET("/api/payments/config"));
  return config.ok ? (config.data.feeBasisPoints ?? 0) : null;
});
