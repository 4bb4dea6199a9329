import { submitPasskeys } from "@/features/account/submit-passkeys";

export const POST = submitPasskeys;
