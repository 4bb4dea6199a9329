import { createInfoMetadata, createInfoPage } from "@/features/info/info-page";

export const generateMetadata = createInfoMetadata("imprint");

export default createInfoPage("imprint");
