// How much the page sends: less when its line carries less, more again when it recovers.

import type { TrackName } from "./groups";

export type Pace = "full" | "low" | "stills";

/** Single pictures instead of a film: the first after so long, the others so far apart. */
export interface Stills {
  firstMs: number;
  everyMs: number;
}

/** What is sent of a track, at most `width` pixels wide. `stills`: null for a film. */
export interface Way {
  bitrate: number;
  framerate: number;
  width: number;
  stills: Stills | null;
}

export const WAYS: Record<Pace, Record<TrackName, Way>> = {
  full: {
    camera: { bitrate: 250_000, framerate: 15, width: Infinity, stills: null },
    screen: { bitrate: 300_000, framerate: 5, width: Infinity, stills: null },
  },
  // a screen full of text, 1920 wide, is 70 kB at the coarsest: it has to be smaller
  low: {
    camera: { bitrate: 60_000, framerate: 3, width: Infinity, stills: null },
    screen: { bitrate: 80_000, framerate: 1, width: 1280, stills: null },
  },
  // the first waits until the line has carried away what was sent before, and a screen's lies midway
  // between two of the camera; one of those may be three times the rate's part of a second: 3 kB
  stills: {
    camera: { bitrate: 30_000, framerate: 4, width: Infinity, stills: { firstMs: 1000, everyMs: 2500 } },
    screen: { bitrate: 60_000, framerate: 1, width: 640, stills: { firstMs: 2250, everyMs: 5000 } },
  },
};

const ORDER: Pace[] = ["full", "low", "stills"];

/** The connection's counters, as the browser and the server's reports have them. */
export interface Reading {
  atMs: number;
  packetsSent: number;
  packetsLost: number;
  rttMs: number;
  /** What the browser and the server think the line carries; null until they know. */
  availableKbps: number | null;
}

const WINDOW_MS = 3000;
// the server tells a browser never less than 300, 100 and 70 kbit/s: under it the losses speak
const NEEDED_KBPS: Record<Pace, number> = { full: 280, low: 90, stills: 0 };
const LOST = 0.1;
const SLOW_MS = 800;
const BAD_MS = 3000;
// so much lost is no picture at all
const MOSTLY_LOST = 0.4;
const WORST_MS = 1000;
// what waits in the line has to leave it before a new pace can be judged
const SETTLE_MS = 4000;
const FIRST_TRY_MS = 15_000;
const LATEST_TRY_MS = 240_000;
const PROVEN_MS = 30_000;

/** Chooses the pace. A step up is a try: when it fails, the next one waits twice as long. */
export class Pacer {
  private readings: Reading[] = [];
  private level = 0;
  private changedMs = 0;
  private raisedMs = Number.NEGATIVE_INFINITY;
  private badMs: number | null = null;
  private goodMs: number | null = null;
  private tryMs = FIRST_TRY_MS;

  /** `lowest`: the pace this browser cannot go below. */
  constructor(private readonly lowest: Pace) {}

  get pace(): Pace {
    return ORDER[this.level] ?? this.lowest;
  }

  /** A new connection begins at the pace of the old one, with counters of its own. */
  restart(atMs: number): void {
    this.readings = [];
    this.settle(atMs);
  }

  /** Whether the pace has changed. */
  read(reading: Reading): boolean {
    this.readings.push(reading);
    while ((this.readings[1]?.atMs ?? reading.atMs) <= reading.atMs - WINDOW_MS) this.readings.shift();
    if (reading.atMs - this.changedMs < SETTLE_MS) return false;
    return this.isFull(reading) ? this.bad(reading.atMs) : this.good(reading.atMs);
  }

  private bad(atMs: number): boolean {
    this.goodMs = null;
    this.badMs ??= atMs;
    const waitMs = this.lost() > MOSTLY_LOST ? WORST_MS : BAD_MS;
    if (atMs - this.badMs < waitMs) return false;
    if (this.pace === this.lowest) return false;
    if (atMs - this.raisedMs < PROVEN_MS) this.tryMs = Math.min(LATEST_TRY_MS, 2 * this.tryMs);
    return this.step(1, atMs);
  }

  private good(atMs: number): boolean {
    this.badMs = null;
    this.goodMs ??= atMs;
    if (this.level === 0) {
      if (atMs - this.raisedMs >= PROVEN_MS) this.tryMs = FIRST_TRY_MS;
      return false;
    }
    if (atMs - this.goodMs < this.tryMs) return false;
    this.raisedMs = atMs;
    return this.step(-1, atMs);
  }

  private step(by: number, atMs: number): boolean {
    this.level += by;
    this.settle(atMs);
    return true;
  }

  private settle(atMs: number): void {
    this.changedMs = atMs;
    this.badMs = this.goodMs = null;
  }

  /** Whether the line carries no more than is sent, or less. */
  private isFull(now: Reading): boolean {
    const isShort = now.availableKbps !== null && now.availableKbps < NEEDED_KBPS[this.pace];
    return isShort || now.rttMs > SLOW_MS || this.lost() > LOST;
  }

  private lost(): number {
    const [first, last] = [this.readings[0], this.readings.at(-1)];
    if (first === undefined || last === undefined || last.packetsSent <= first.packetsSent) return 0;
    const share = (last.packetsLost - first.packetsLost) / (last.packetsSent - first.packetsSent);
    return Math.min(1, Math.max(0, share));
  }
}
