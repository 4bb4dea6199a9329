import { submitNewTicket } from "@/features/tickets/submit-ticket";

export const POST = submitNewTicket;
