// One clock for all streams of a sitting, and what each stream must do to follow it.

import type { Span } from "./timeline";

/** One recorded file. `lengthS`: null until the browser has read it. */
export interface Part {
  url: string;
  startS: number;
  lengthS: number | null;
}

/** Which file shows a moment, and where in it. */
export interface Place {
  index: number;
  offsetS: number;
}

// a file's first picture may stand for the moment just before it
const NEAR_S = 0.25;

/** The newest file that began by then and is not known to have ended before. */
export function placeOf(parts: readonly Part[], atS: number): Place | null {
  let index = -1;
  parts.forEach((part, candidate) => {
    const newest = parts[index]?.startS ?? Number.NEGATIVE_INFINITY;
    const hasEnded = part.lengthS !== null && atS - part.startS > part.lengthS;
    if (part.startS <= atS + NEAR_S && part.startS >= newest && !hasEnded) index = candidate;
  });
  const part = parts[index];
  return part === undefined ? null : { index, offsetS: Math.max(0, atS - part.startS) };
}

export const JUMP_S = 0.4;
const NUDGE_S = 0.06;

/** What a video does to reach the wanted moment: a jump, or a rate a little off the clock's. */
export interface Correction {
  seekS: number | null;
  rate: number;
}

export function correction(videoS: number, wantedS: number, rate: number, playing: boolean): Correction {
  const behind = wantedS - videoS;
  if (Math.abs(behind) > (playing ? JUMP_S : 0.02)) return { seekS: wantedS, rate };
  if (!playing || Math.abs(behind) < NUDGE_S) return { seekS: null, rate };
  return { seekS: null, rate: behind > 0 ? rate * 1.05 : rate * 0.95 };
}

/** The time of the sitting. It stands while it is paused and while a stream is loading. */
export class SittingClock {
  private positionS: number;
  private readMs = 0;
  private held = false;
  private rateNow = 1;
  private running = false;

  constructor(private readonly span: Span, positionS: number) {
    this.positionS = this.clamp(positionS);
  }

  get isPlaying(): boolean {
    return this.running;
  }

  get rate(): number {
    return this.rateNow;
  }

  at(nowMs: number): number {
    if (this.running && !this.held) {
      this.positionS = this.clamp(this.positionS + ((nowMs - this.readMs) / 1000) * this.rateNow);
    }
    this.readMs = nowMs;
    if (this.positionS >= this.span.endS) this.running = false;
    return this.positionS;
  }

  play(nowMs: number): void {
    if (this.at(nowMs) >= this.span.endS) this.positionS = this.span.startS;
    this.running = true;
  }

  pause(nowMs: number): void {
    this.at(nowMs);
    this.running = false;
  }

  seek(toS: number, nowMs: number): void {
    this.at(nowMs);
    this.positionS = this.clamp(toS);
  }

  setRate(rate: number, nowMs: number): void {
    this.at(nowMs);
    this.rateNow = rate;
  }

  /** Stand still while a stream has nothing to show yet. */
  hold(held: boolean, nowMs: number): void {
    this.at(nowMs);
    this.held = held;
  }

  private clamp(atS: number): number {
    return Math.min(this.span.endS, Math.max(this.span.startS, atS));
  }
}
