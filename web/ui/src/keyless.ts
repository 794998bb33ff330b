// Text that enters a page without keys: dropped, dictated, filled in, put there by a program.

// a few letters, as of a dead key or an emoji panel, are not told
const LEAST = 20;
// one character takes no more keys than this; those before it moved the cursor, or did nothing
const MOST_KEYS = 4;
// this many typed characters make up for one that no key explained
const FORGIVEN_BY = 10;

/** Counts characters that no key press explains; knows nothing of the DOM. */
export class KeylessText {
  private presses = 0;
  private composed = 0;
  private unexplained = 0;

  press(): void {
    this.presses = Math.min(MOST_KEYS, this.presses + 1);
  }

  /** An input method begins to compose. */
  compose(): void {
    this.composed = 0;
  }

  /** Characters to tell after *chars* more have entered; 0 while they are few. */
  enter(inputType: string, chars: number): number {
    const explained = this.presses;
    this.presses = 0;
    // a paste is told by its own event, with what it holds
    if (!inputType.startsWith("insert") || inputType === "insertFromPaste") return 0;
    // the spelling of a word is mended, which adds little
    if (inputType === "insertReplacementText" && chars < LEAST) return 0;
    const entered = inputType === "insertCompositionText" ? this.grown(chars) : chars;
    const typed = Math.min(entered, explained);
    this.unexplained = Math.max(0, this.unexplained - typed / FORGIVEN_BY) + entered - typed;
    if (this.unexplained < LEAST) return 0;
    const told = Math.round(this.unexplained);
    this.unexplained = 0;
    return told;
  }

  /** What a composition of *chars* characters has more than before: each event brings all of it. */
  private grown(chars: number): number {
    const more = Math.max(0, chars - this.composed);
    this.composed = chars;
    return more;
  }
}
