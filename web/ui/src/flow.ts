// What comes back over a connection: bytes by time in, silence out.

/** Counters of a connection at one moment, as the browser keeps them. */
export interface Counters {
  atMs: number;
  received: number;
}

// the server reports twice a second, whatever happens
export const SILENT_MS = 1700;
export const QUIET_MS = 800;

export class Flow {
  private received = 0;
  private heardMs: number;

  /** `atMs`: when the connection stood. */
  constructor(atMs: number) {
    this.heardMs = atMs;
  }

  read(counters: Counters): void {
    if (counters.received > this.received) this.heardMs = counters.atMs;
    this.received = counters.received;
  }

  /** Until *nowMs* nobody could have looked for *ms*. */
  forgive(ms: number, nowMs: number): void {
    this.heardMs = Math.min(nowMs, this.heardMs + ms);
  }

  /** Whether nothing came back for so long that the other end is gone. */
  isSilent(nowMs: number): boolean {
    return nowMs - this.heardMs > SILENT_MS;
  }

  /** Whether something that should have come back did not. */
  isQuiet(nowMs: number): boolean {
    return nowMs - this.heardMs > QUIET_MS;
  }
}
