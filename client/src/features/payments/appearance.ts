"use client";

import type { Appearance } from "@stripe/stripe-js";
import { useSyncExternalStore } from "react";

const DARK = "(prefers-color-scheme: dark)";

function subscribe(onChange: () => void) {
  const query = window.matchMedia(DARK);
  query.addEventListener("change", onChange);
  return () => query.removeEventListener("change", onChange);
}

/** Returns our colours for Stripe's frames, which cannot use our style sheet. */
export function useAppearance(): Appearance {
  const dark = useSyncExternalStore(
    subscribe,
    () => window.matchMedia(DARK).matches,
    () => false,
  );
  const colors = dark
    ? {
        paper: "#201d1a",
        ink: "#f3eee6",
        muted: "#b3aa9c",
        edge: "#857c6f",
        focus: "#8ab4ff",
        bad: "#ff94b8",
      }
    : {
        paper: "#fffdf9",
        ink: "#1d1b18",
        muted: "#655f55",
        edge: "#8d8577",
        focus: "#1d4fd7",
        bad: "#9d124c",
      };
  return {
    theme: dark ? "night" : "stripe",
    variables: {
      colorBackground: colors.paper,
      colorText: colors.ink,
      colorTextSecondary: colors.muted,
      colorPrimary: colors.focus,
      colorDanger: colors.bad,
      borderRadius: "12px",
      fontFamily: "system-ui, sans-serif",
      fontSizeBase: "16px",
    },
    rules: { ".Input": { borderColor: colors.edge, boxShadow: "none" } },
  };
}
