import { submitCredentials } from "@/features/auth/submit-credentials";

export const POST = (request: Request) => submitCredentials(request, "signIn");
