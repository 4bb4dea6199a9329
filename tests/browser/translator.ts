import type { Page } from "@playwright/test";

/**
 * Changes the pages of a tab as a browser's translator does: replaces every text node by `<font>`
 * elements with its text, once React has taken over the page, and again whenever texts appear.
 */
export async function translate(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const UNTOUCHED = "font, script, style, title, option, textarea, noscript";

    function replaceTexts(root: Node): void {
      const texts: Text[] = [];
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) texts.push(node as Text);
      for (const text of root instanceof Text ? [root] : texts) {
        if (!text.data.trim() || !text.parentElement) continue;
        if (text.parentElement.closest(UNTOUCHED)) continue;
        const outer = document.createElement("font");
        const inner = document.createElement("font");
        inner.textContent = text.data;
        outer.append(inner);
        text.replaceWith(outer);
      }
    }

    function isHydrated(): boolean {
      const last = document.querySelector("body > [role=status]"); // behind the content and the footer
      return Boolean(last && Object.keys(last).some((key) => key.startsWith("__reactFiber")));
    }

    const start = window.setInterval(() => {
      if (!isHydrated()) return;
      window.clearInterval(start);
      replaceTexts(document.body);
      document.documentElement.dataset.translated = "";
      new MutationObserver((records) => {
        for (const record of records) {
          if (record.type === "characterData") replaceTexts(record.target);
          for (const added of record.addedNodes) replaceTexts(added);
        }
      }).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      });
    }, 50);
  });
}
