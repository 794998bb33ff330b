// The questions on the page: every change is saved, and the page says whether it is.

import { fragment, send } from "./api";
import { Draft, type DraftState } from "./draft";
import { write } from "./page";
import type { Say } from "./texts";

const PAUSE_MS = 800;
// somebody who types without a pause loses no more than this when the machine fails
const LONGEST_UNSAVED_MS = 5000;
const RETRY_MS = 3000;

// a save refused with one of these will never be accepted
const OVER: ReadonlySet<string> = new Set(["error.sitting_not_running", "error.sitting_finished"]);

const STATE_TEXT: Record<DraftState, string> = {
  saved: "exam.saved",
  unsaved: "exam.unsaved",
  saving: "exam.saving",
  failed: "exam.save_failed",
  late: "exam.late",
};

interface Question {
  id: string;
  element: HTMLElement;
  draft: Draft;
  saving: Promise<void> | null;
  timer: number | undefined;
  /** When the oldest change that no save has taken up yet was made. */
  changedMs: number | null;
}

export class Paper {
  private questions: Question[] = [];
  private isClosed = false;
  private opening: Promise<string | null> | null = null;

  constructor(
    private readonly sitting: string,
    private readonly root: HTMLElement,
    private readonly say: Say,
    private readonly aloud: (text: string) => void,
  ) {}

  /** Fetch the questions and what was answered before. Null when all went well. */
  open(): Promise<string | null> {
    // a second fetch would take away what was typed since the first
    this.opening ??= this.fetch().finally(() => (this.opening = null));
    return this.opening;
  }

  private async fetch(): Promise<string | null> {
    const page = await fragment(`/sittings/${this.sitting}/paper`);
    if (!page.ok) return String(page.status);
    const parsed = new DOMParser().parseFromString(page.value, "text/html");
    this.root.replaceChildren(...parsed.body.childNodes);
    this.questions = [...this.root.querySelectorAll<HTMLElement>("[data-question]")].map(question);
    for (const asked of this.questions) this.listen(asked);
    this.root.querySelector("form")?.addEventListener("submit", (e) => e.preventDefault());
    return null;
  }

  get unanswered(): number {
    return this.questions.filter((asked) => !asked.draft.isAnswered).length;
  }

  /** Answers whose newest words the server does not have. */
  get unsaved(): number {
    return this.questions.filter((asked) => asked.draft.state !== "saved").length;
  }

  /** Save whatever is not saved yet; resolves when the server has it or has refused it. */
  async settle(): Promise<void> {
    await Promise.all(this.questions.map((asked) => this.saveNow(asked)));
    await Promise.all(this.questions.map((asked) => this.saveNow(asked)));
  }

  /** Nothing more can be written; saved is from now on only what is asked for. */
  close(): void {
    this.isClosed = true;
    for (const asked of this.questions) {
      window.clearTimeout(asked.timer);
      for (const field of fields(asked)) field.disabled = true;
    }
  }

  reopen(): void {
    this.isClosed = false;
    for (const asked of this.questions) {
      asked.draft.reopened();
      for (const field of fields(asked)) field.disabled = false;
      void this.saveNow(asked);
    }
  }

  private listen(asked: Question): void {
    asked.element.addEventListener("input", () => {
      asked.draft.edit(textOf(asked));
      this.show(asked);
      const now = performance.now();
      asked.changedMs ??= now;
      const left = asked.changedMs + LONGEST_UNSAVED_MS - now;
      this.saveAfter(asked, Math.max(0, Math.min(PAUSE_MS, left)));
    });
    asked.element.addEventListener("focusout", () => void this.saveNow(asked));
  }

  private saveAfter(asked: Question, ms: number): void {
    window.clearTimeout(asked.timer);
    if (this.isClosed) return;
    asked.timer = window.setTimeout(() => void this.saveNow(asked), ms);
  }

  private async saveNow(asked: Question): Promise<void> {
    window.clearTimeout(asked.timer);
    asked.saving ??= this.save(asked).finally(() => (asked.saving = null));
    await asked.saving;
  }

  private async save(asked: Question): Promise<void> {
    const save = asked.draft.next();
    if (save === null) return;
    asked.changedMs = null;
    this.show(asked);
    const path = `/api/sittings/${this.sitting}/answers/${asked.id}`;
    const answer = await send<{ revision: number }>("PUT", path, save);
    if (answer.ok) asked.draft.saved();
    else if (answer.key === "error.stale_answer") asked.draft.stale(await this.revisionOf(asked));
    else if (OVER.has(answer.key)) asked.draft.closed();
    else asked.draft.lost();
    this.show(asked);
    if (asked.draft.state === "failed") this.aloud(this.say("exam.save_failed"));
    if (asked.draft.state === "failed") this.saveAfter(asked, RETRY_MS);
    if (asked.draft.state === "unsaved") this.saveAfter(asked, PAUSE_MS);
  }

  private async revisionOf(asked: Question): Promise<number> {
    const page = await fragment(`/sittings/${this.sitting}/paper`);
    if (!page.ok) return 0;
    const parsed = new DOMParser().parseFromString(page.value, "text/html");
    const fresh = parsed.querySelector<HTMLElement>(`[data-question="${CSS.escape(asked.id)}"]`);
    return Number(fresh?.dataset["revision"] ?? 0);
  }

  private show(asked: Question): void {
    const line = asked.element.querySelector<HTMLElement>("[data-save]");
    if (line === null) return;
    line.dataset["state"] = asked.draft.state;
    write(line, this.say(STATE_TEXT[asked.draft.state]));
  }
}

function question(element: HTMLElement): Question {
  const asked = {
    id: element.dataset["question"] ?? "",
    element,
    saving: null,
    timer: undefined,
    changedMs: null,
  };
  const draft = new Draft(textOf(asked), Number(element.dataset["revision"] ?? 0));
  return { ...asked, draft };
}

type Field = HTMLInputElement | HTMLTextAreaElement;

function fields(asked: Pick<Question, "element">): Field[] {
  return [...asked.element.querySelectorAll<Field>("input, textarea")];
}

function textOf(asked: Pick<Question, "element">): string {
  const chosen = fields(asked).find((field) => field.type !== "radio" || isChecked(field));
  return chosen?.value ?? "";
}

function isChecked(field: Field): boolean {
  return field instanceof HTMLInputElement && field.checked;
}
