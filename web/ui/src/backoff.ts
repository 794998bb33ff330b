// How long to wait before the next try.

const FIRST_MS = 500;
// a service that is back is found within this
const LONGEST_MS = 2000;

/** Wait before try number *attempt* (0 = first), jittered by *chance* in [0, 1). */
export function waitMs(attempt: number, chance: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
  return Math.max(FIRST_MS, ceiling * (0.5 + chance / 2));
}
