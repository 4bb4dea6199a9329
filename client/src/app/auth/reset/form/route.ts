import { submitReset } from "@/features/auth/submit-recovery";

export const POST = submitReset;
