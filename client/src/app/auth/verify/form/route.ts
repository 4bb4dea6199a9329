import { submitVerification } from "@/features/auth/submit-recovery";

export const POST = submitVerification;
