import { submitLanguage } from "@/features/account/submit-account";

export const POST = submitLanguage;
