import "server-only";

import { cache } from "react";
import { pageQuery } from "@/lib/api/page-query";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";

export const getSeller = cache(async () => toResult((await api()).GET("/api/payments/seller")));

export const getEarnings = cache(async (cursor: string) =>
  toResult((await api()).GET("/api/payments/earnings", { params: { query: pageQuery(cursor) } })),
);
