// What proctors and the student say to each other while the exam goes on.

import { send } from "./api";
import { element, reveal, write } from "./page";
import type { Say } from "./texts";

export interface Said {
  number: number;
  act: string;
  phrase: string | null;
  words: string;
  minutes: number | null;
  at: string;
}

/** One act as a sentence for the student. */
export function sentence(said: Said, say: Say): string {
  const words = said.phrase === null ? said.words : say(`phrase.${said.phrase}`);
  if (said.act === "message" || said.act === "reply") return words;
  return say(`talk.act.${said.act}`, { words, n: said.minutes ?? 0 });
}

export class Talk {
  private readonly box = element<HTMLDetailsElement>("talk");
  private readonly log = element("talk-log");
  private readonly field = element<HTMLTextAreaElement>("talk-words");
  private readonly status = element("talk-status");
  private readonly notice = element("told");
  private readonly shown = new Set<number>();

  constructor(
    private readonly sitting: string,
    private readonly say: Say,
  ) {
    element("talk-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.reply();
    });
    element("told-reply").addEventListener("click", () => this.answer());
    element("told-close").addEventListener("click", () => reveal(this.notice, false));
  }

  /** All that was said so far; a page that connects again shows only what it missed. */
  show(all: Said[]): void {
    reveal(this.box, true);
    for (const said of all) this.add(said);
  }

  add(said: Said): void {
    if (this.shown.has(said.number)) return;
    this.shown.add(said.number);
    const text = sentence(said, this.say);
    this.log.append(this.line(said, text));
    this.log.scrollTop = this.log.scrollHeight;
    if (said.act === "reply") return;
    write(element("told-text"), text);
    this.notice.dataset["act"] = said.act;
    reveal(this.notice, true);
  }

  close(): void {
    reveal(this.box, false);
  }

  private line(said: Said, text: string): HTMLElement {
    const line = document.createElement("li");
    const who = document.createElement("span");
    const isMine = said.act === "reply";
    line.className = isMine ? "said said-mine" : "said";
    who.className = "said-by";
    const time = new Date(said.at).toLocaleTimeString(document.documentElement.lang, {
      hour: "2-digit",
      minute: "2-digit",
    });
    who.textContent = `${this.say(isMine ? "talk.you" : "talk.proctor")}, ${time}`;
    line.append(who, text);
    return line;
  }

  private answer(): void {
    this.box.open = true;
    this.log.scrollTop = this.log.scrollHeight;
    this.field.focus();
  }

  private async reply(): Promise<void> {
    const words = this.field.value.trim();
    if (words === "") return;
    const answer = await send("POST", `/api/sittings/${this.sitting}/replies`, { words });
    if (answer.ok) this.field.value = "";
    write(this.status, answer.ok ? this.say("talk.sent") : this.say("talk.not_sent"));
  }
}
