// Which sentences a round of the typing enrolment shows.

/** Two sentences of *all*, a fresh pair each round until they come round again. */
export function sentencesOf(round: number, all: readonly string[]): string {
  const pairs = Math.max(1, Math.floor(all.length / 2));
  const first = (round % pairs) * 2;
  return all.slice(first, first + 2).join(" ");
}

/** Keys a round must hold before it is sent: half of its text, for people who skip words. */
export function enoughKeys(keys: number, sentence: string): boolean {
  return keys >= sentence.length / 2;
}

/** Whether text came without keys, as from the keyboard on a phone's screen or by dictation. */
export function isWithoutKeys(keys: number, chars: number): boolean {
  return chars >= 20 && keys < chars / 2;
}

/** How many rounds after the practice were taken, and how many of them can be used. */
export class RoundCount {
  taken = 0;
  usable = 0;

  add(isUsable: boolean): void {
    this.taken += 1;
    if (isUsable) this.usable += 1;
  }
}
