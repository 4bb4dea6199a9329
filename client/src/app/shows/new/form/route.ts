import { submitNewShow } from "@/features/shows/submit-show";

export const POST = submitNewShow;
