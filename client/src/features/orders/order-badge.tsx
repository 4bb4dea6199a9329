import { useTranslations } from "use-intl";
import { Badge, type Tone } from "@/components/ui/badge";
import type { Order } from "@/lib/api/types";

export function OrderBadge({ order }: { order: Order }) {
  const t = useTranslations("Status");
  const [tone, label] = badgeFor(order);
  return <Badge tone={tone}>{t(label)}</Badge>;
}

function badgeFor({ status, reason, detail, outcome }: Order) {
  switch (status) {
    case "created":
      return ["warn", "created"] as const satisfies [Tone, string];
    case "awaiting:payment":
      return ["warn", "awaiting"] as const satisfies [Tone, string];
    case "complete":
      if (outcome && outcome !== "kept") {
        return ["warn", outcome] as const satisfies [Tone, string];
      }
      return ["good", "complete"] as const satisfies [Tone, string];
    case "cancelled":
      if (detail) return ["neutral", "cancelled"] as const satisfies [Tone, string];
      return [
        reason === "payment failed" ? "bad" : "neutral",
        reason === "expired" || reason === "payment failed" ? reason : "cancelled",
      ] as const satisfies [Tone, string];
  }
}
