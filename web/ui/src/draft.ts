// One answer being written, and which version of it the server has.

export interface Save {
  revision: number;
  text: string;
}

export type DraftState = "saved" | "unsaved" | "saving" | "failed" | "late";

export class Draft {
  private sending: Save | null = null;
  private savedText: string;
  private failed = false;
  private late = false;

  constructor(
    private text: string,
    private revision: number,
  ) {
    this.savedText = text;
  }

  get state(): DraftState {
    if (this.late) return "late";
    if (this.sending !== null) return "saving";
    if (this.text === this.savedText) return "saved";
    return this.failed ? "failed" : "unsaved";
  }

  get isAnswered(): boolean {
    return this.text.trim() !== "";
  }

  edit(text: string): void {
    this.text = text;
  }

  /** What to send now; null while a save is under way or nothing changed. */
  next(): Save | null {
    if (this.sending !== null || this.late || this.text === this.savedText) return null;
    this.sending = { revision: this.revision + 1, text: this.text };
    return this.sending;
  }

  saved(): void {
    if (this.sending === null) return;
    this.revision = this.sending.revision;
    this.savedText = this.sending.text;
    this.sending = null;
    this.failed = false;
  }

  /** The server did not answer; the same text goes again later. */
  lost(): void {
    this.sending = null;
    this.failed = true;
  }

  /** The server holds *revision* already, from a save whose answer was lost. */
  stale(revision: number): void {
    this.revision = Math.max(this.revision, revision);
    this.lost();
  }

  closed(): void {
    this.sending = null;
    this.late = true;
  }

  /** The exam goes on after all, and with it what was too late. */
  reopened(): void {
    this.late = false;
  }
}
