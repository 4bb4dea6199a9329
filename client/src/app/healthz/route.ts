/** Alive: pages can be rendered, even while a service is away. */
export function GET(): Response {
  return Response.json({ status: "alive" });
}
