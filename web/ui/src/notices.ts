// Short messages above the page; the newest replaces the one before.

import { element, write } from "./page";

const BRIEF_MS = 8000;

export class Notices {
  private readonly target = element("notice");
  private timer: number | undefined;

  /** Shown until `clear`. */
  hold(text: string): void {
    window.clearTimeout(this.timer);
    write(this.target, text);
    this.target.hidden = false;
  }

  /** Shown for a while. */
  brief(text: string): void {
    this.hold(text);
    this.timer = window.setTimeout(() => this.clear(), BRIEF_MS);
  }

  clear(): void {
    window.clearTimeout(this.timer);
    this.target.hidden = true;
  }
}
