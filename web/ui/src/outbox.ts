// Batches of browser facts and key timings on their way to the server.
//
// A batch stays until the server acknowledges it; after a reconnect all that is left goes again
// under the same number. Texts never enter.

import type { KeyBatch } from "./keys";

export type FactName =
  | "page_hidden"
  | "page_shown"
  | "focus_lost"
  | "focus_gained"
  | "fullscreen_left"
  | "fullscreen_entered"
  | "paste"
  | "inserted"
  | "copy"
  | "screen_ended"
  | "screen_shared"
  | "camera_ended"
  | "second_monitor"
  | "program_camera"
  | "device_camera"
  | "media_direct"
  | "media_relayed";

export interface BrowserFact {
  name: FactName;
  /** `performance.now()` of the event. */
  ms: number;
  values: Record<string, number>;
}

export interface WireKeys extends KeyBatch {
  v: 1;
}

export interface Batch {
  seq: number;
  /** `performance.now()` when it was closed: it may be sent much later. */
  ms: number;
  browser: BrowserFact[];
  keys: WireKeys | null;
}

export class Outbox {
  private noted: BrowserFact[] = [];
  private unacknowledged: Batch[];
  private lastSeq: number;
  private heard = false;
  private waiting: (() => void)[] = [];

  /** *carried*: what the page had not sent when it was reloaded, in order. */
  constructor(carried: Batch[] = []) {
    this.unacknowledged = carried;
    this.lastSeq = carried.at(-1)?.seq ?? 0;
  }

  note(fact: BrowserFact): void {
    this.noted.push(fact);
  }

  /** Whether the server has said where the numbers begin. */
  get isOpen(): boolean {
    return this.heard;
  }

  /** Batches that the server does not have, as far as it has said. */
  get unsent(): readonly Batch[] {
    return this.unacknowledged;
  }

  get hasNoted(): boolean {
    return this.noted.length > 0;
  }

  /** What the server has; returns the batches it does not have, to be sent again. */
  resume(lastSeq: number): readonly Batch[] {
    // where the server's memory went back behind what it acknowledged, it never takes the rest
    if ((this.unacknowledged[0]?.seq ?? 0) > lastSeq + 1) this.unacknowledged = [];
    this.acknowledge(lastSeq);
    this.lastSeq = this.unacknowledged.at(-1)?.seq ?? lastSeq;
    this.heard = true;
    return this.unacknowledged;
  }

  acknowledge(seq: number): void {
    this.unacknowledged = this.unacknowledged.filter((batch) => batch.seq > seq);
    if (!this.isEmpty) return;
    for (const tell of this.waiting.splice(0)) tell();
  }

  /** Once the server has everything, or after *ms* without. */
  emptied(ms: number): Promise<void> {
    if (this.isEmpty) return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(resolve, ms);
      this.waiting.push(() => {
        clearTimeout(late);
        resolve();
      });
    });
  }

  private get isEmpty(): boolean {
    return this.unacknowledged.length === 0 && this.noted.length === 0;
  }

  /** Close a batch over everything noted so far. */
  seal(keys: KeyBatch | null, now: number): Batch {
    if (!this.heard) throw new Error("the outbox is not open");
    this.lastSeq += 1;
    const batch: Batch = {
      seq: this.lastSeq,
      ms: now,
      browser: this.noted,
      keys: keys && { v: 1, ...keys },
    };
    this.noted = [];
    this.unacknowledged.push(batch);
    return batch;
  }
}
