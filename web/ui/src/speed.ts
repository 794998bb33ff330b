// How fast a probe went up.

export interface Speed {
  /** Megabits per second with one decimal. */
  mbps: string;
  isEnough: boolean;
}

// camera 250 + screen 300 kbit/s and about a third more for headers, repairs and answers
const ENOUGH_MBPS = 0.75;

export function speedOf(bytes: number, elapsedMs: number): Speed {
  const mbps = (bytes * 8) / 1000 / Math.max(1, elapsedMs);
  return { mbps: mbps.toFixed(1), isEnough: mbps >= ENOUGH_MBPS };
}
