// The check step: browser, camera, whole monitor and connection, each with its own state.

import { send } from "./api";
import { type Captured, canCapture, hasSecondMonitor, openCamera, openScreen } from "./capture";
import { element, write } from "./page";
import { type Speed, speedOf } from "./speed";
import type { Say } from "./texts";
import type { Tracks } from "./uplink";

type Item = "browser" | "camera" | "screen" | "network";
type State = "wait" | "working" | "ok" | "problem";

const WORD: Record<State, string> = {
  wait: "status.wait",
  working: "status.wait",
  ok: "status.ok",
  problem: "status.problem",
};
const PROBE_PARTS = 4;
const PROBE_PART_BYTES = 65_536;

export class Checks {
  private readonly tracks: Partial<Tracks> = {};

  constructor(
    private readonly sitting: string,
    private readonly say: Say,
    private readonly mayHaveTwoDisplays: boolean,
    private readonly onChange: (tracks: Tracks | null) => void,
  ) {}

  /** Say what can be said without asking for anything, and wire the buttons. */
  begin(): void {
    element("insecure").hidden = window.isSecureContext;
    const usable = canCapture() && "RTCPeerConnection" in window;
    this.mark("browser", usable ? "ok" : "problem", usable ? "check.browser_ok" : "check.browser_bad");
    for (const name of ["camera", "screen"] as const) {
      const button = element<HTMLButtonElement>(`${name}-button`);
      button.disabled = !usable;
      button.addEventListener("click", () => void this.ask(name, button));
    }
    this.mark("screen", "wait", "check.screen_prompt");
    element("network-button").addEventListener("click", () => void this.probe());
    void this.probe();
  }

  private async ask(name: keyof Tracks, button: HTMLButtonElement): Promise<void> {
    button.disabled = true;
    this.mark(name, "working", "check.working");
    const captured = await (name === "camera" ? openCamera() : openScreen());
    button.disabled = false;
    this.take(name, captured);
  }

  private take(name: keyof Tracks, captured: Captured): void {
    if (!captured.ok) {
      this.mark(name, "problem", captured.key);
      return;
    }
    const { track } = captured;
    this.tracks[name]?.stop();
    this.tracks[name] = track;
    track.addEventListener("ended", () => this.lose(name, track));
    if (name === "camera") {
      element<HTMLVideoElement>("camera-preview").srcObject = new MediaStream([track]);
      this.mark("camera", "ok", "check.camera_on");
    } else {
      this.mark("screen", "ok", hasSecondMonitor() ? this.second : "check.screen_on");
    }
    this.tell();
  }

  private get second(): string {
    return this.mayHaveTwoDisplays ? "check.second_monitor_granted" : "check.second_monitor";
  }

  private lose(name: keyof Tracks, track: MediaStreamTrack): void {
    if (this.tracks[name] !== track) return;
    delete this.tracks[name];
    this.mark(name, "problem", name === "camera" ? "notice.camera_lost" : "notice.screen_lost");
    this.tell();
  }

  private tell(): void {
    const { camera, screen } = this.tracks;
    this.onChange(camera && screen ? { camera, screen } : null);
  }

  /** A slow line is said and never shuts anybody out. */
  private async probe(): Promise<void> {
    this.mark("network", "working", "check.working");
    const noise = Array.from({ length: PROBE_PARTS }, () =>
      crypto.getRandomValues(new Uint8Array(PROBE_PART_BYTES)),
    );
    const began = performance.now();
    const answer = await send<{ bytes: number }>(
      "POST",
      `/api/sittings/${this.sitting}/bandwidth`,
      new Blob(noise, { type: "application/octet-stream" }),
    );
    if (!answer.ok) {
      this.mark("network", "problem", "check.network_bad");
      return;
    }
    this.markSpeed(speedOf(answer.value.bytes, performance.now() - began));
  }

  private markSpeed(speed: Speed): void {
    const values = { mbps: speed.mbps };
    if (speed.isEnough) this.mark("network", "ok", "check.network_on", values);
    else this.mark("network", "problem", "check.network_slow", values);
  }

  private mark(item: Item, state: State, key: string, values: Record<string, string> = {}): void {
    const row = element(`${item}-check`);
    row.dataset["state"] = state;
    write(part(row, ".check-word"), this.say(WORD[state]));
    write(part(row, ".check-text"), this.say(key, values));
  }
}

function part(row: HTMLElement, selector: string): HTMLElement {
  const found = row.querySelector<HTMLElement>(selector);
  if (found === null) throw new Error(`a check has no ${selector}`);
  return found;
}
