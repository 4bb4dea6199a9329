import type { EventEmitter } from "node:events";

/** The pages that are rendered at the same time although the thread has no time left. */
const MIN_CONCURRENT = 2;

/** How often the queue looks whether the thread has time left. */
const INTERVAL_MS = 5;

/** How long a page counts as being rendered at most after its reader has gone: Next.js goes on with it. */
const ABANDONED_MS = 2_000;

/** What the queue needs to know of a response. */
interface Response extends EventEmitter {
  readonly destroyed: boolean;
  readonly writableFinished: boolean;
}

interface Page {
  response: Response;
  render: () => void;
}

/**
 * Lets addresses take turns with their pages. Next.js renders all requests at the same time, so beside an
 * address with 40 of them everybody would wait as long as for 40 pages.
 */
export class FairQueue {
  /** The waiting pages of each address. The address whose turn is next comes first. */
  private readonly waiting = new Map<string, Page[]>();
  private rendering = 0;
  private timer: NodeJS.Timeout | undefined;

  /**
   * `maxWaiting` is the limit of one address. While `hasTimeLeft` returns true, more pages are started,
   * because those that were started wait for a service or for their reader.
   */
  constructor(
    private readonly maxWaiting: number,
    private readonly hasTimeLeft: () => boolean,
  ) {}

  /** Renders a page when its turn has come. Returns false if too many of its address are waiting. */
  add(address: string, response: Response, render: () => void): boolean {
    const pages = this.waiting.get(address) ?? [];
    if (pages.length >= this.maxWaiting) return false;
    pages.push({ response, render });
    this.waiting.set(address, pages);
    this.startPages();
    return true;
  }

  private startPages(): void {
    while (this.waiting.size > 0 && (this.rendering < MIN_CONCURRENT || this.hasTimeLeft())) {
      const page = this.takeNext();
      if (page && !page.response.destroyed) this.start(page);
    }
    if (this.waiting.size === 0) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.startPages();
    }, INTERVAL_MS);
  }

  private start({ response, render }: Page): void {
    const finish = () => {
      this.rendering -= 1;
      this.startPages();
    };
    this.rendering += 1;
    response.once("close", () => {
      if (response.writableFinished) finish();
      else setTimeout(finish, ABANDONED_MS);
    });
    render();
  }

  /** Takes the oldest page of the address whose turn it is, which then comes last. */
  private takeNext(): Page | undefined {
    for (const [address, pages] of this.waiting) {
      const page = pages.shift();
      this.waiting.delete(address);
      if (pages.length > 0) this.waiting.set(address, pages);
      return page;
    }
    return undefined;
  }
}
