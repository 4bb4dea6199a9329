import { redirect } from "next/navigation";
import { paths } from "@/config/paths";

/** Without a connection, this address lists what is saved on the device. */
export default function PassesPage() {
  redirect(paths.orders);
}
