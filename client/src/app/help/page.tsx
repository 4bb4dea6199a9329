import { createInfoMetadata, createInfoPage } from "@/features/info/info-page";

export const generateMetadata = createInfoMetadata("help");

export default createInfoPage("help");
