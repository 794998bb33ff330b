// Text that enters a page without keys: dropped, dictated, filled in, put there by a program.

// a few letters, as of a dead key or an emoji panel, are not told
const LEAST = 20;

/** Counts characters that no key press explains; knows nothing of the DOM. */
export class KeylessText {
  private presses = 0;
  private unexplained = 0;

  press(): void {
    this.presses += 1;
  }

  /** Characters to tell after *chars* more have entered; 0 while they are few. */
  enter(inputType: string, chars: number): number {
    const explained = this.presses;
    this.presses = 0;
    // a paste is told by its own event, with what it holds
    if (!inputType.startsWith("insert") || inputType === "insertFromPaste") return 0;
    this.unexplained += Math.max(0, chars - explained);
    if (this.unexplained < LEAST) return 0;
    const told = this.unexplained;
    this.unexplained = 0;
    return told;
  }
}
