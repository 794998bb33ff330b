// The reviewer's player: camera and screen follow one clock, the timeline jumps in it.
// Nothing is loaded before the reviewer asks for it: what is loaded counts as seen.

import "./review.css";

import { Incidents, type Playing } from "./incidents";
import { element, optional, pageData, reveal, write } from "./page";
import { correction, placeOf, SittingClock, type Part } from "./sync";
import { sayFrom, type Say } from "./texts";
import { clockText, shareAt, ticks, type Span } from "./timeline";

interface PageData {
  start_s: number;
  end_s: number;
  tracks: Record<"camera" | "screen", { url: string; start_s: number }[]>;
  texts: Record<string, string>;
}

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

class Player implements Playing {
  private readonly span: Span;
  private readonly clock: SittingClock;
  private readonly decks: Deck[];
  private readonly scrub = element<HTMLInputElement>("scrub");
  private readonly playButton = element<HTMLButtonElement>("play-button");
  private isAsked = false;

  constructor(
    data: PageData,
    private readonly say: Say,
  ) {
    this.span = { startS: data.start_s, endS: Math.max(data.end_s, data.start_s + 1) };
    this.clock = new SittingClock(this.span, Math.max(0, data.start_s));
    this.decks = (["camera", "screen"] as const).map(
      (track) => new Deck(element(`video-${track}`), element(`note-${track}`), say, data.tracks[track]),
    );
    this.scrub.min = String(this.span.startS);
    this.scrub.max = String(this.span.endS);
    this.drawTicks();
    this.listen();
    requestAnimationFrame((nowMs) => this.turn(nowMs));
  }

  private turn(nowMs: number): void {
    const atS = this.clock.at(nowMs);
    if (this.isAsked) {
      const waits = this.decks.map((deck) => deck.follow(atS, this.clock.rate, this.clock.isPlaying));
      this.clock.hold(waits.includes(true), nowMs);
    }
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

  private drawTicks(): void {
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
    this.scrub.addEventListener("input", () => this.seek(Number(this.scrub.value)));
    const speed = element<HTMLSelectElement>("speed");
    speed.addEventListener("change", () => this.clock.setRate(Number(speed.value), performance.now()));
    for (const button of document.querySelectorAll<HTMLElement>("[data-seek]")) {
      button.addEventListener("click", () => this.seek(Number(button.dataset["seek"])));
    }
    const picture = document.querySelector<SVGSVGElement>("#lanes");
    picture?.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      this.seek(this.span.startS + share * (this.span.endS - this.span.startS));
    });
  }

  toggle(): void {
    this.isAsked = true;
    const nowMs = performance.now();
    if (this.clock.isPlaying) this.clock.pause(nowMs);
    else this.clock.play(nowMs);
  }

  seek(toS: number): void {
    this.isAsked = true;
    this.clock.seek(toS, performance.now());
  }

  skip(byS: number): void {
    this.isAsked = true;
    const nowMs = performance.now();
    this.clock.seek(this.clock.at(nowMs) + byS, nowMs);
  }
}

if (optional("page-data") !== null) {
  const data = pageData<PageData>();
  const player = new Player(data, sayFrom(data.texts));
  new Incidents(player);
}
