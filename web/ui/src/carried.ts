// Batches that the server does not have when the page goes, carried over to the page after a reload.
//
// They lie in the tab's own storage from then until the sitting is open again: facts, zones and
// times, as they travel. Texts never enter.

import type { Batch } from "./outbox";

type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

interface Left {
  /** When the clock of the page that left the batches stood at 0, by the time of day. */
  origin: number;
  batches: Batch[];
}

// more than an hour of typing; a tab may store some five million
const MOST_CHARS = 1_000_000;
const PREFIX = "unsent:";

/** Leave nothing in this tab that any sitting left. */
export function forget(store: Pick<Storage, "key" | "length" | "removeItem">): void {
  const keys = Array.from({ length: store.length }, (_, i) => store.key(i));
  for (const key of keys) if (key?.startsWith(PREFIX)) store.removeItem(key);
}

/** Not `performance.timeOrigin`: a page's clock may stand still while the machine sleeps. */
function origin(): number {
  return Date.now() - performance.now();
}

export class Carried {
  private readonly key: string;

  constructor(
    private readonly store: Store,
    sitting: string,
  ) {
    this.key = PREFIX + sitting;
  }

  /** What the page before left, which is gone from the tab then; its times on this page's clock. */
  take(): Batch[] {
    const text = this.store.getItem(this.key);
    this.store.removeItem(this.key);
    if (text === null) return [];
    const left = JSON.parse(text) as Left;
    const earlier = left.origin - origin();
    return left.batches.map((batch) => ({
      ...batch,
      ms: batch.ms + earlier,
      browser: batch.browser.map((fact) => ({ ...fact, ms: fact.ms + earlier })),
    }));
  }

  /** Leave *batches* to the page after this one, the oldest where there are too many. */
  leave(batches: readonly Batch[]): void {
    let fitting = batches.length;
    let text = this.written(batches);
    // their numbers have to go on without a gap, so it is the newest that are given up
    while (text.length > MOST_CHARS) {
      fitting = Math.floor((fitting * MOST_CHARS) / text.length);
      text = this.written(batches.slice(0, fitting));
    }
    if (fitting === 0) this.store.removeItem(this.key);
    else this.store.setItem(this.key, text);
  }

  private written(batches: readonly Batch[]): string {
    const left: Left = { origin: origin(), batches: [...batches] };
    return JSON.stringify(left);
  }
}
