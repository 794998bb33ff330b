// What goes over a connection: bytes by time in, rate and silence out.

/** Counters of a connection at one moment, as the browser keeps them. */
export interface Counters {
  atMs: number;
  sent: number;
  received: number;
}

// the server reports twice a second, whatever happens
export const SILENT_MS = 1700;
export const QUIET_MS = 800;
const RATE_MS = 4000;

export class Flow {
  private readings: Counters[] = [];
  private heardMs: number;

  /** `atMs`: when the connection stood. */
  constructor(atMs: number) {
    this.heardMs = atMs;
  }

  read(counters: Counters): void {
    const last = this.readings.at(-1);
    if (last === undefined || counters.received > last.received) this.heardMs = counters.atMs;
    this.readings.push(counters);
    while ((this.readings[1]?.atMs ?? counters.atMs) <= counters.atMs - RATE_MS) this.readings.shift();
  }

  /** Whether nothing came back for so long that the other end is gone. */
  isSilent(nowMs: number): boolean {
    return nowMs - this.heardMs > SILENT_MS;
  }

  /** Whether something that should have come back did not. */
  isQuiet(nowMs: number): boolean {
    return nowMs - this.heardMs > QUIET_MS;
  }

  /** Kilobits sent in a second over the last few; null until that is known. */
  get sentKbps(): number | null {
    const first = this.readings[0];
    const last = this.readings.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < RATE_MS / 2) return null;
    return ((last.sent - first.sent) * 8) / (last.atMs - first.atMs);
  }
}
