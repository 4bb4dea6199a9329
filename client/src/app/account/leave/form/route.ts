import { submitLeave } from "@/features/account/submit-leave";

export const POST = submitLeave;
