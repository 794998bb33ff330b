// The reviewer's player: camera and screen follow one clock, the timeline jumps in it.

import "./review.css";

import { element, optional, pageData, reveal, write } from "./page";
import { correction, placeOf, SittingClock, type Part } from "./sync";
import { sayFrom, type Say } from "./texts";
import { clockText, markAt, neighbour, shareAt, ticks, type Span } from "./timeline";

interface PageData {
  start_s: number;
  end_s: number;
  tracks: Record<"camera" | "screen", { url: string; start_s: number }[]>;
  texts: Record<string, string>;
}

const LEAST_MARK_PERCENT = 0.8;
const TICKS = 8;

/** One video of the sitting and the files it is made of. */
class Deck {
  private readonly parts: Part[];
  private index = -1;
  private isBroken = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly note: HTMLElement,
    private readonly say: Say,
    parts: { url: string; start_s: number }[],
  ) {
    this.parts = parts.map((part) => ({ url: part.url, startS: part.start_s, lengthS: null }));
    video.addEventListener("loadedmetadata", () => this.measured());
    video.addEventListener("durationchange", () => this.measured());
    video.addEventListener("error", () => {
      this.isBroken = true;
    });
  }

  /** Follow the clock; true while it must wait for this video. */
  follow(atS: number, rate: number, playing: boolean): boolean {
    const place = placeOf(this.parts, atS);
    const part = place === null ? undefined : this.parts[place.index];
    if (place === null || part === undefined) return this.showNothing();
    if (place.index !== this.index) this.load(place.index, part);
    if (this.isBroken) return this.tell("review.player.failed");
    if (this.video.readyState < HTMLMediaElement.HAVE_METADATA || this.video.seeking) {
      return this.wait();
    }
    const step = correction(this.video.currentTime, place.offsetS, rate, playing);
    if (step.seekS !== null) this.video.currentTime = step.seekS;
    if (this.video.playbackRate !== step.rate) this.video.playbackRate = step.rate;
    this.run(playing);
    const isWaiting = this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA;
    if (isWaiting) return this.wait();
    reveal(this.note, false);
    return false;
  }

  private load(index: number, part: Part): void {
    this.index = index;
    this.isBroken = false;
    this.video.src = part.url;
    this.video.load();
  }

  private measured(): void {
    const part = this.parts[this.index];
    if (part !== undefined && Number.isFinite(this.video.duration)) part.lengthS = this.video.duration;
  }

  private run(playing: boolean): void {
    if (playing && this.video.paused && !this.video.ended) {
      // a jump made at the same moment may interrupt it; the next turn asks again
      this.video.play().catch(() => undefined);
    }
    if (!playing && !this.video.paused) this.video.pause();
  }

  private wait(): boolean {
    this.tell("review.player.loading");
    return true;
  }

  private showNothing(): boolean {
    if (!this.video.paused) this.video.pause();
    return this.tell("review.player.nothing");
  }

  private tell(key: string): boolean {
    write(this.note, this.say(key));
    reveal(this.note, true);
    return false;
  }
}

class Player {
  private readonly span: Span;
  private readonly clock: SittingClock;
  private readonly decks: Deck[];
  private readonly scrub = element<HTMLInputElement>("scrub");
  private readonly playButton = element<HTMLButtonElement>("play-button");
  private readonly starts: number[];

  constructor(
    data: PageData,
    private readonly say: Say,
  ) {
    this.span = { startS: data.start_s, endS: Math.max(data.end_s, data.start_s + 1) };
    this.clock = new SittingClock(this.span, Math.max(0, data.start_s));
    this.decks = (["camera", "screen"] as const).map(
      (track) => new Deck(element(`video-${track}`), element(`note-${track}`), say, data.tracks[track]),
    );
    this.starts = [...document.querySelectorAll<HTMLElement>("[data-incident]")].map((mark) =>
      Number(mark.dataset["start"]),
    );
    this.scrub.min = String(this.span.startS);
    this.scrub.max = String(this.span.endS);
    this.drawTimeline();
    this.listen();
    requestAnimationFrame((nowMs) => this.turn(nowMs));
  }

  private turn(nowMs: number): void {
    const atS = this.clock.at(nowMs);
    const waits = this.decks.map((deck) => deck.follow(atS, this.clock.rate, this.clock.isPlaying));
    this.clock.hold(waits.includes(true), nowMs);
    this.show(atS);
    requestAnimationFrame((next) => this.turn(next));
  }

  private show(atS: number): void {
    const time = this.say("review.player.time", { time: clockText(atS), total: clockText(this.span.endS) });
    write(element("clock"), time);
    write(this.playButton, this.say(this.clock.isPlaying ? "review.player.pause" : "review.player.play"));
    element("cursor").style.left = `${100 * shareAt(this.span, atS)}%`;
    if (document.activeElement !== this.scrub || this.clock.isPlaying) this.scrub.value = String(atS);
    if (this.scrub.getAttribute("aria-valuetext") !== time) this.scrub.setAttribute("aria-valuetext", time);
  }

  private drawTimeline(): void {
    for (const mark of document.querySelectorAll<HTMLElement>(".mark")) {
      const of = { startS: Number(mark.dataset["start"]), endS: Number(mark.dataset["end"]) };
      const { left, width } = markAt(this.span, of, LEAST_MARK_PERCENT);
      mark.style.left = `${left}%`;
      mark.style.width = `${width}%`;
    }
    element("ticks").replaceChildren(
      ...ticks(this.span, TICKS).map((at) => {
        const label = document.createElement("span");
        label.textContent = clockText(at);
        label.style.left = `${100 * shareAt(this.span, at)}%`;
        return label;
      }),
    );
  }

  private listen(): void {
    this.playButton.addEventListener("click", () => this.toggle());
    element("back-button").addEventListener("click", () => this.skip(-10));
    element("forward-button").addEventListener("click", () => this.skip(10));
    element("previous-button").addEventListener("click", () => this.step(-1));
    element("next-button").addEventListener("click", () => this.step(1));
    this.scrub.addEventListener("input", () => this.seek(Number(this.scrub.value)));
    const speed = element<HTMLSelectElement>("speed");
    speed.addEventListener("change", () => this.clock.setRate(Number(speed.value), performance.now()));
    for (const mark of document.querySelectorAll<HTMLElement>(".mark")) {
      mark.addEventListener("click", () => this.seek(Number(mark.dataset["start"])));
    }
    for (const go of document.querySelectorAll<HTMLElement>("[data-go]")) {
      go.addEventListener("click", () => {
        this.seek(Number(go.dataset["go"]));
        element("player").scrollIntoView({ block: "start" });
        this.playButton.focus({ preventScroll: true });
      });
    }
    document.addEventListener("keydown", (event) => this.key(event));
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest("input, textarea, select, button, a, summary") !== null) return;
    const actions: Record<string, () => void> = {
      Space: () => this.toggle(),
      ArrowLeft: () => this.skip(-5),
      ArrowRight: () => this.skip(5),
      KeyN: () => this.step(1),
      KeyP: () => this.step(-1),
    };
    const action = actions[event.code];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  private toggle(): void {
    const nowMs = performance.now();
    if (this.clock.isPlaying) this.clock.pause(nowMs);
    else this.clock.play(nowMs);
  }

  private seek(toS: number): void {
    this.clock.seek(toS, performance.now());
  }

  private skip(byS: number): void {
    const nowMs = performance.now();
    this.clock.seek(this.clock.at(nowMs) + byS, nowMs);
  }

  private step(direction: 1 | -1): void {
    const start = neighbour(this.starts, this.clock.at(performance.now()), direction);
    if (start !== null) this.seek(start);
  }
}

if (optional("page-data") !== null) {
  const data = pageData<PageData>();
  new Player(data, sayFrom(data.texts));
}
