import { submitConfirmation } from "@/features/auth/submit-confirmation";

export const POST = submitConfirmation;
