import { submitKeepSecondStep } from "@/features/auth/submit-second-step";

export const POST = submitKeepSecondStep;
