/** Liveness probe. Independent of the services, because pages render without them too. */
export function GET(): Response {
  return Response.json({ status: "alive" });
}
