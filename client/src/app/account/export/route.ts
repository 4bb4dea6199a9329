import { exportAccount } from "@/features/account/export-account";

export const dynamic = "force-dynamic";
export const GET = exportAccount;
