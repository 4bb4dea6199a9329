import { submitRemoval } from "@/features/auth/submit-second-step";

export const POST = submitRemoval;
