import { submitNoticesRead } from "@/features/account/submit-account";

export const POST = submitNoticesRead;
