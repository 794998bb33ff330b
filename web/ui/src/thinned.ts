// A track that shows one picture every few seconds of another, for a line that carries no more.

import type { Stills } from "./pace";

/** Whether this browser can make one. */
export function canThin(): boolean {
  return "MediaStreamTrackProcessor" in window && "MediaStreamTrackGenerator" in window;
}

export class Thinned {
  // no content hint: a track of text is padded to its least rate, and two seconds of that fill the
  // line; a browser that hears of another content begins anew, with nothing of the film in its queue
  readonly track = new MediaStreamTrackGenerator({ kind: "video" });
  private readonly source: MediaStreamTrack;
  private readonly reader: ReadableStreamDefaultReader<VideoFrame>;

  constructor(
    of: MediaStreamTrack,
    private readonly stills: Stills,
  ) {
    // a clone ends without ending what the student shares
    this.source = of.clone();
    this.reader = new MediaStreamTrackProcessor({ track: this.source }).readable.getReader();
    this.pass().catch(() => this.stop());
  }

  stop(): void {
    this.source.stop();
    this.track.stop();
    void this.reader.cancel().catch(() => undefined);
  }

  private async pass(): Promise<void> {
    const writer = this.track.writable.getWriter();
    const { firstMs, everyMs } = this.stills;
    let passedMs = performance.now() + firstMs - everyMs;
    for (;;) {
      const { done, value: frame } = await this.reader.read();
      if (done) return;
      const nowMs = performance.now();
      if (nowMs - passedMs < everyMs) {
        frame.close();
        continue;
      }
      passedMs = nowMs;
      await writer.write(frame);
    }
  }
}
