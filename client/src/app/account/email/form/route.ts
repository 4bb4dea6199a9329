import { submitEmail } from "@/features/account/submit-account";

export const POST = submitEmail;
