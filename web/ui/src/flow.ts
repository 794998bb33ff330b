// What comes back over a connection: bytes by time in, silence out.

import { Silence } from "./silence";

/** Counters of a connection at one moment, as the browser keeps them. */
export interface Counters {
  atMs: number;
  received: number;
}

/** `quiet`: what should have come back did not; `silent`: for so long that the other end is gone. */
export type Heard = "well" | "quiet" | "silent";

// the server reports twice a second, whatever happens
export const SILENT_MS = 1700;
export const QUIET_MS = 800;

export class Flow {
  private received = 0;
  private readonly silence: Silence;

  /** Of a connection that stood at *atMs* and is looked at every *everyMs*. */
  constructor(everyMs: number, atMs: number) {
    this.silence = new Silence(everyMs, atMs);
  }

  read(counters: Counters): void {
    if (counters.received > this.received) this.silence.hear(counters.atMs);
    this.received = counters.received;
  }

  /** One of the looks. */
  look(nowMs: number): Heard {
    const silentMs = this.silence.look(nowMs);
    if (silentMs > SILENT_MS) return "silent";
    return silentMs > QUIET_MS ? "quiet" : "well";
  }
}
