import { submitVerifyAgain } from "@/features/account/submit-account";

export const POST = submitVerifyAgain;
