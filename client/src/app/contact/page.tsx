import { createInfoMetadata, createInfoPage } from "@/features/info/info-page";

export const generateMetadata = createInfoMetadata("contact");

export default createInfoPage("contact");
