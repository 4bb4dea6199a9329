import { submitForgot } from "@/features/auth/submit-recovery";

export const POST = submitForgot;
