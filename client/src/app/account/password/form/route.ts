import { submitPassword } from "@/features/account/submit-account";

export const POST = submitPassword;
