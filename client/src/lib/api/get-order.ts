import "server-only";

import { cache } from "react";
import { toResult } from "./result";
import { api } from "./server";

/** Fetches an order, once for the page and its metadata. */
export const getOrder = cache(async (id: string) =>
  toResult((await api()).GET("/api/orders/{order_id}", { params: { path: { order_id: id } } })),
);
