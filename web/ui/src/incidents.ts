// The card of one incident beside the player: which is shown, that it was looked at, the keys.

import { fragment, send } from "./api";
import { element, optional, write } from "./page";
import { load, thumbnails } from "./pictures";
import { actionOf, type Action } from "./shortcuts";

/** What the keys and the card ask of the player. */
export interface Playing {
  toggle(): void;
  seek(toS: number): void;
  skip(byS: number): void;
}

const REMEMBERED = "tanu-review-shortcuts";
const SKIP_S = 10;
// a picture a little before the fact shows how it began
const LEAD_S = 1;

/** Scroll back to what begins above the window. */
function bringIn(target: HTMLElement): void {
  if (target.getBoundingClientRect().top < 0) target.scrollIntoView({ block: "start" });
}

export class Incidents {
  private readonly rows = [...document.querySelectorAll<HTMLAnchorElement>("[data-row]")];
  private readonly shortcuts = element<HTMLInputElement>("shortcuts");
  private isShown = false;
  private asked = 0;

  constructor(private readonly player: Playing) {
    this.shortcuts.checked = localStorage.getItem(REMEMBERED) !== "off";
    this.shortcuts.addEventListener("change", () => {
      localStorage.setItem(REMEMBERED, this.shortcuts.checked ? "on" : "off");
    });
    for (const row of this.rows) {
      row.addEventListener("click", (event) => {
        event.preventDefault();
        void this.show(row.dataset["row"] ?? "", true);
      });
    }
    for (const mark of document.querySelectorAll<SVGElement>("[data-incident].mark")) {
      mark.addEventListener("click", () => void this.show(mark.dataset["incident"] ?? "", false));
    }
    element("previous-button").addEventListener("click", () => this.step(-1));
    element("next-button").addEventListener("click", () => this.step(1));
    document.addEventListener("keydown", (event) => this.key(event));
    thumbnails();
    this.prepare();
  }

  private get card(): HTMLElement | null {
    return document.querySelector<HTMLElement>("#card [data-incident]");
  }

  /** The card that came with the page is looked at when the first step is made. */
  private step(direction: 1 | -1): void {
    const current = this.card?.dataset["incident"];
    const at = this.rows.findIndex((row) => row.dataset["row"] === current);
    const next = this.isShown ? this.rows[at + direction] : this.rows[at];
    if (next !== undefined) void this.show(next.dataset["row"] ?? "", true);
  }

  private async show(id: string, moves: boolean): Promise<void> {
    const asked = ++this.asked;
    const place = element("card");
    if (this.card?.dataset["incident"] !== id) {
      const answer = await fragment(`${place.dataset["url"] ?? ""}${id}`);
      if (!answer.ok || asked !== this.asked) return;
      place.innerHTML = answer.value;
      history.replaceState(null, "", `?incident=${id}`);
      this.prepare();
    }
    this.isShown = true;
    this.mark(id);
    this.look(id);
    const card = this.card;
    if (card === null) return;
    if (moves) this.player.seek(Number(card.dataset["start"]) - LEAD_S);
    if (moves) bringIn(card);
    write(element("card-status"), optional("incident-title")?.textContent ?? "");
  }

  /** Load the pictures of the card, and write down that they are before somebody. */
  private look(id: string): void {
    void send("POST", `${element("card").dataset["url"] ?? ""}${id}/look`);
    for (const still of document.querySelectorAll<HTMLImageElement>("#card img[data-src]")) load(still);
  }

  private mark(id: string): void {
    for (const row of this.rows) {
      if (row.dataset["row"] === id) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    for (const mark of document.querySelectorAll<SVGElement>("[data-incident].mark")) {
      mark.classList.toggle("mark-chosen", mark.dataset["incident"] === id);
    }
  }

  private prepare(): void {
    for (const button of document.querySelectorAll<HTMLElement>("#card [data-reason]")) {
      button.addEventListener("click", () => this.fill(button.dataset["reason"] ?? ""));
    }
    const go = document.querySelector<HTMLElement>("#card [data-go]");
    go?.addEventListener("click", () => {
      void this.show(this.card?.dataset["incident"] ?? "", true);
      bringIn(element("player"));
    });
  }

  private fill(reason: string): void {
    const box = optional<HTMLTextAreaElement>("reason");
    if (box !== null) box.value = reason;
  }

  private key(event: KeyboardEvent): void {
    if (!this.shortcuts.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (target.closest("textarea, select, input:not([type=radio], [type=checkbox])") !== null) return;
    const pressed = target.closest("button, a, summary, input") !== null;
    const action = actionOf(event.code, pressed);
    if (action === null) return;
    event.preventDefault();
    this.act(action);
  }

  private act(action: Action): void {
    switch (action.name) {
      case "toggle":
        this.player.toggle();
        break;
      case "skip":
        this.player.skip(action.direction * SKIP_S);
        break;
      case "step":
        this.step(action.direction);
        break;
      case "choose":
        this.choose(action.key);
        break;
      case "reason": {
        const buttons = document.querySelectorAll<HTMLElement>("#card [data-reason]");
        this.fill(buttons[action.number - 1]?.dataset["reason"] ?? "");
        break;
      }
      case "save":
        optional<HTMLButtonElement>("verdict-save")?.click();
    }
  }

  private choose(key: string): void {
    const choice = document.querySelector<HTMLInputElement>(`#verdict-form input[data-key=${key}]`);
    if (choice === null) return;
    choice.checked = true;
    choice.focus();
  }
}
