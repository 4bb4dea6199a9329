import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { Alert } from "@/components/ui/alert";
import { siteOperator } from "@/config/env";
import { getReaderLocale } from "@/i18n/server";
import { CONTENT, type InfoPageName } from "./content";
import { InfoText } from "./info-text";

export function createInfoMetadata(name: InfoPageName) {
  return async (): Promise<Metadata> => {
    const { language } = await getReaderLocale();
    return { title: CONTENT[language].pages[name].title.replace("\u00ad", "") };
  };
}

export function createInfoPage(name: InfoPageName) {
  return async function InfoPage() {
    const { language } = await getReaderLocale();
    const { notice, missing, pages } = CONTENT[language];
    const { title, lead, sections } = pages[name];
    const set = siteOperator();
    const operator = {
      operator: set.operator || missing.operator,
      address: set.address || missing.address,
      email: set.email || missing.email,
    };
    return (
      <div className="mx-auto max-w-3xl">
        <PageHeader title={title} lead={lead} />
        {Object.values(set).includes("") && <Alert tone="warn">{notice}</Alert>}
        {sections.map(({ id, heading, paragraphs }) => (
          <section key={heading} id={id} className="pt-8">
            <h2 className="text-2xl font-semibold">{heading}</h2>
            {paragraphs.map((paragraph) => (
              <p key={paragraph} className="mt-2 max-w-prose wrap-anywhere">
                <InfoText operator={operator}>{paragraph}</InfoText>
              </p>
            ))}
          </section>
        ))}
      </div>
    );
  };
}
