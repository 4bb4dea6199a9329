import { submitShowEdit } from "@/features/shows/submit-show";

export async function POST(request: Request, context: RouteContext<"/shows/[showId]/edit/form">) {
  return submitShowEdit(request, (await context.params).showId);
}
