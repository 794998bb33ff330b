// Time left in an exam, by the browser's monotonic clock and the server's word.

const SPOKEN_MINUTES = [10, 5, 1] as const;

export class Countdown {
  private endMs: number;
  private previousS: number;
  /** What is left while the time stands still. */
  private heldS: number | null = null;

  constructor(remainingS: number, nowMs: number) {
    this.endMs = nowMs + remainingS * 1000;
    this.previousS = remainingS;
  }

  /** The server's clock decides; a reconnect brings its newest word. */
  correct(remainingS: number, nowMs: number): void {
    this.endMs = nowMs + remainingS * 1000;
    this.heldS = null;
  }

  /** Stand still until the next correction. */
  hold(nowMs: number): void {
    this.heldS = this.remainingS(nowMs);
  }

  remainingS(nowMs: number): number {
    if (this.heldS !== null) return this.heldS;
    return Math.max(0, (this.endMs - nowMs) / 1000);
  }

  /** Minutes to say aloud because they were just reached, else null. */
  spoken(nowMs: number): number | null {
    const remaining = this.remainingS(nowMs);
    const reached = SPOKEN_MINUTES.filter(
      (minutes) => this.previousS > minutes * 60 && remaining <= minutes * 60,
    );
    this.previousS = remaining;
    return reached.at(-1) ?? null;
  }
}

/** 65 as 1:05, 3725 as 1:02:05; a begun second counts. */
export function clockTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  const pad = (n: number): string => String(n).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}
