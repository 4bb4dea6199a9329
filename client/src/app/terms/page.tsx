import { createInfoMetadata, createInfoPage } from "@/features/info/info-page";

export const generateMetadata = createInfoMetadata("terms");

export default createInfoPage("terms");
