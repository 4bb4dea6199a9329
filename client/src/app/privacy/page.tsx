import { createInfoMetadata, createInfoPage } from "@/features/info/info-page";

export const generateMetadata = createInfoMetadata("privacy");

export default createInfoPage("privacy");
