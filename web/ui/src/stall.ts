// A page that stood still heard nothing meanwhile, whoever was there: its silence is no one else's.

// less than this is a busy moment, or a hidden tab whose timers come once a second
const STALL_MS = 1000;

/** Told of each of the looks that come every so often. */
export class Stall {
  constructor(
    private readonly everyMs: number,
    private lookedMs: number,
  ) {}

  /** How long the page stood still before this look. */
  beforeMs(nowMs: number): number {
    const lateMs = nowMs - this.lookedMs - this.everyMs;
    this.lookedMs = nowMs;
    return lateMs > STALL_MS ? lateMs : 0;
  }
}
