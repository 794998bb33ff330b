// One sitting under way: both streams, what happened so far, and what a proctor can do.

import "./live.css";

import { send } from "./api";
import { clockTime } from "./countdown";
import { Feed } from "./feed";
import { element, pageData, reveal, write } from "./page";
import { Stream, readPiece } from "./stream";
import { sayFrom } from "./texts";

interface LineFact {
  key: string;
  kind: string;
  time: string;
  text: string;
  by: string;
}

interface Facts {
  type: "facts";
  state: string;
  state_text: string;
  remaining_s: number | null;
  identity: string;
  tracks: Record<string, boolean>;
  asked: { by: string; mine: boolean } | null;
  lines: LineFact[];
}

interface Others {
  type: "others";
  needing: number;
}

interface PageData {
  sitting: string;
  texts: Record<string, string>;
}

const TRACKS = ["camera", "screen"] as const;
const TICK_MS = 500;

class LivePage {
  private readonly data = pageData<PageData>();
  private readonly path = `/api/proctoring/${this.data.sitting}`;
  private readonly say = sayFrom(this.data.texts);
  private readonly streams = TRACKS.map((track) => new Stream(element(`video-${track}`)));
  private readonly lines = element("lines");
  private facts: Facts | null = null;
  private heardMs = 0;

  begin(): void {
    new Feed(`/proctor/sittings/${this.data.sitting}/socket`, {
      open: () => this.opened(),
      text: (message) => this.told(message as Facts | Others),
      bytes: (data) => this.show(data),
      broke: (isFinal) => this.broke(isFinal),
    });
    element("say-form").addEventListener("submit", (event) => void this.speak(event));
    element("resume").addEventListener("click", () => void this.act("resume", {}));
    for (const form of document.querySelectorAll<HTMLFormElement>("form[data-act]")) {
      form.addEventListener("submit", (event) => void this.submit(event, form));
    }
    window.setInterval(() => this.tick(), TICK_MS);
  }

  private opened(): void {
    reveal(element("line"), false);
    for (const stream of this.streams) stream.restart();
  }

  private broke(isFinal: boolean): void {
    write(element("line"), this.say(isFinal ? "live.over" : "live.connecting"));
    reveal(element("line"), true);
  }

  private show(data: ArrayBuffer): void {
    const piece = readPiece(data);
    this.streams[piece.track]?.take(piece);
  }

  private told(message: Facts | Others): void {
    if (message.type === "facts") return this.hear(message);
    const n = message.needing;
    write(element("others"), n === 0 ? "" : `(${this.say("live.others", { n })})`);
  }

  private hear(facts: Facts): void {
    this.facts = facts;
    this.heardMs = performance.now();
    write(element("state"), facts.state_text);
    write(element("identity"), this.say(`live.identity.${facts.identity}`));
    const isUnderWay = facts.state === "running" || facts.state === "suspended";
    reveal(element("admit-form"), facts.state === "checking" && facts.identity !== "verified");
    reveal(element("resume"), facts.state === "suspended");
    reveal(element("pause"), facts.state === "running");
    reveal(element("extension"), isUnderWay);
    reveal(element("end"), isUnderWay);
    const asked = facts.asked;
    reveal(element("asked"), asked !== null);
    if (asked !== null) {
      const key = asked.mine ? "live.asked.mine" : "live.asked.other";
      write(element("asked"), this.say(key, { name: asked.by }));
    }
    this.draw(facts.lines);
    this.tick();
  }

  private draw(lines: LineFact[]): void {
    const known = new Map([...this.lines.children].map((line) => [(line as HTMLElement).dataset["key"], line]));
    const atEnd = this.lines.scrollTop + this.lines.clientHeight >= this.lines.scrollHeight - 8;
    const drawn = lines.map((line) => this.line(line, known.get(line.key) as HTMLElement | undefined));
    this.lines.replaceChildren(...drawn);
    if (atEnd) this.lines.scrollTop = this.lines.scrollHeight;
  }

  private line(fact: LineFact, before: HTMLElement | undefined): HTMLElement {
    const line = before ?? document.createElement("li");
    const text = [fact.time, fact.text, fact.by].join("\n");
    if (line.dataset["text"] === text) return line;
    line.dataset["key"] = fact.key;
    line.dataset["text"] = text;
    line.className = `live-line live-line-${fact.kind}`;
    const part = (className: string, words: string): HTMLElement => {
      const span = document.createElement("span");
      span.className = className;
      span.textContent = words;
      return span;
    };
    line.replaceChildren(part("live-time", fact.time), part("live-text", fact.text), part("live-by", fact.by));
    return line;
  }

  private tick(): void {
    TRACKS.forEach((track, place) => {
      const lag = this.streams[place]?.lagS ?? null;
      const words = lag === null ? this.say("live.no_picture") : this.say("live.lag", { n: lag.toFixed(1) });
      write(element(`lag-${track}`), words);
    });
    const left = this.facts?.remaining_s ?? null;
    if (this.facts === null || left === null) return;
    const gone = this.facts.state === "running" ? (performance.now() - this.heardMs) / 1000 : 0;
    write(element("left"), clockTime(Math.max(0, left - gone)));
  }

  private async speak(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const words = element<HTMLTextAreaElement>("words");
    const phrase = element<HTMLSelectElement>("phrase");
    const act = (event.submitter as HTMLButtonElement | null)?.value ?? "message";
    const sent = { words: words.value, phrase: phrase.value };
    const said = sent.words.trim() === "" ? { phrase: sent.phrase } : { words: sent.words };
    if (!(await this.act("messages", { act, ...said }))) return;
    // what was written meanwhile is the next message
    if (words.value.startsWith(sent.words)) words.value = words.value.slice(sent.words.length);
    if (phrase.value === sent.phrase) phrase.value = "";
  }

  private async submit(event: SubmitEvent, form: HTMLFormElement): Promise<void> {
    event.preventDefault();
    const fields = new FormData(form);
    const body: Record<string, unknown> = { reason: fields.get("reason") };
    if (form.dataset["act"] === "extension") body["minutes"] = Number(fields.get("minutes"));
    if (form.dataset["act"] === "end") body["confirmed"] = fields.get("confirmed") === "on";
    if (!(await this.act(form.dataset["act"] ?? "", body))) return;
    form.reset();
    form.closest("details")?.removeAttribute("open");
  }

  private async act(name: string, body: unknown): Promise<boolean> {
    const answer = await send("POST", `${this.path}/${name}`, body);
    const detail = answer.ok ? "" : answer.detail || String(answer.status);
    write(element("done"), answer.ok ? this.say("live.done") : this.say("live.refused", { detail }));
    return answer.ok;
  }
}

new LivePage().begin();
