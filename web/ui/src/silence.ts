// How long nothing was heard, in the time in which somebody could have heard it.

// a look that comes this much too late found the page standing still; a hidden tab's come once a second
const STALL_MS = 1000;

export class Silence {
  private lookedMs: number;
  private forgivenMs = Number.NaN;

  /** Of an end that is looked for every *everyMs* and was there at *heardMs*. */
  constructor(
    private readonly everyMs: number,
    private heardMs: number,
  ) {
    this.lookedMs = heardMs;
  }

  hear(atMs: number): void {
    this.heardMs = atMs;
  }

  /** Milliseconds of silence at one of the looks. */
  look(nowMs: number): number {
    const lateMs = nowMs - this.lookedMs - this.everyMs;
    this.lookedMs = nowMs;
    // once for each silence: where all looks are late, nobody would ever be gone
    if (lateMs > STALL_MS && this.heardMs !== this.forgivenMs) {
      this.heardMs = this.forgivenMs = Math.min(nowMs, this.heardMs + lateMs);
    }
    return nowMs - this.heardMs;
  }
}
