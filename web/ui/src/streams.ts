// Camera and screen of a sitting while it lasts: shown, missed when they end, opened again.

import { openCamera, openScreen } from "./capture";
import type { Notices } from "./notices";
import { element, reveal } from "./page";
import type { Say } from "./texts";
import type { Tracks } from "./uplink";

const PREVIEWS = ["identity-preview", "exam-preview"];

export class Streams {
  private isClosed = false;

  constructor(
    private tracks: Tracks,
    private readonly say: Say,
    private readonly notices: Notices,
    private readonly onEnded: (name: keyof Tracks) => void,
    private readonly onReopened: (name: keyof Tracks, track: MediaStreamTrack) => Promise<void>,
  ) {
    for (const name of ["camera", "screen"] as const) {
      this.watch(name);
      element(`${name}-again`).addEventListener("click", () => void this.reopen(name));
    }
    this.show();
  }

  /** The tracks as they are now, after one of them was opened again too. */
  get live(): Tracks {
    return this.tracks;
  }

  get areLive(): boolean {
    return Object.values(this.tracks).every((track: MediaStreamTrack) => track.readyState === "live");
  }

  close(): void {
    this.isClosed = true;
    for (const track of Object.values(this.tracks)) track.stop();
    for (const name of ["camera", "screen"]) reveal(element(`${name}-lost`), false);
  }

  private watch(name: keyof Tracks): void {
    const track = this.tracks[name];
    track.addEventListener("ended", () => {
      if (this.isClosed || this.tracks[name] !== track) return;
      reveal(element(`${name}-lost`), true);
      this.onEnded(name);
    });
  }

  private async reopen(name: keyof Tracks): Promise<void> {
    const captured = await (name === "camera" ? openCamera() : openScreen());
    if (!captured.ok) {
      this.notices.brief(this.say(captured.key));
      return;
    }
    this.tracks = { ...this.tracks, [name]: captured.track };
    this.watch(name);
    this.show();
    await this.onReopened(name, captured.track);
    reveal(element(`${name}-lost`), false);
  }

  private show(): void {
    for (const id of PREVIEWS) {
      element<HTMLVideoElement>(id).srcObject = new MediaStream([this.tracks.camera]);
    }
  }
}
