import { submitRecoveryCode } from "@/features/auth/submit-second-step";

export const POST = submitRecoveryCode;
