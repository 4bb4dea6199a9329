import { submitSeller } from "@/features/earnings/submit-seller";

export const POST = submitSeller;
