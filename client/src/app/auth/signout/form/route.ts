import { submitSignOut } from "@/features/auth/submit-sign-out";

export const POST = submitSignOut;
