// How long to wait before the next try.

const SHORTEST_MS = 250;
// the tries of all pages that lost the service at one moment lie this far apart
const FIRST_MS = 1000;
// a service that is back is found within this
const LONGEST_MS = 2000;

/** Wait before try number *attempt* (0 = first), drawn evenly by *chance* in [0, 1). */
export function waitMs(attempt: number, chance: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
  return SHORTEST_MS + chance * (ceiling - SHORTEST_MS);
}
