// One track encoded in the page while the server is away: VP8, in groups from a key frame on.

import type { Picture, TrackName } from "./groups";

interface Way {
  bitrate: number;
  framerate: number;
  keyMs: number;
}

const WAYS: Record<TrackName, Way> = {
  camera: { bitrate: 250_000, framerate: 15, keyMs: 1000 },
  screen: { bitrate: 300_000, framerate: 5, keyMs: 5000 },
};
const MOST_WAITING = 2;

export function canEncode(): boolean {
  return "VideoEncoder" in window && "MediaStreamTrackProcessor" in window;
}

/** The page's clock, which goes on over a reload. */
export function pageMs(): number {
  return performance.timeOrigin + performance.now();
}

export class TrackEncoder {
  private readonly track: MediaStreamTrack;
  private readonly reader: ReadableStreamDefaultReader<VideoFrame>;
  private readonly encoder: VideoEncoder;
  private readonly reading: Promise<void>;
  private group: Picture[] = [];
  private askedMs = 0;
  private lastMs = 0;

  constructor(
    private readonly name: TrackName,
    track: MediaStreamTrack,
    private readonly onGroup: (name: TrackName, pictures: Picture[]) => void,
  ) {
    // a clone ends without ending what the student shares
    this.track = track.clone();
    this.reader = new MediaStreamTrackProcessor({ track: this.track }).readable.getReader();
    this.encoder = new VideoEncoder({
      output: (chunk) => this.keep(chunk),
      error: () => this.track.stop(),
    });
    this.reading = this.read().catch(() => undefined);
  }

  /** End, and hand on the group that is open. */
  async stop(): Promise<void> {
    this.track.stop();
    await this.reader.cancel().catch(() => undefined);
    await this.reading;
    if (this.encoder.state === "configured") await this.encoder.flush().catch(() => undefined);
    if (this.encoder.state !== "closed") this.encoder.close();
    this.handOn();
  }

  private async read(): Promise<void> {
    for (;;) {
      const { done, value: frame } = await this.reader.read();
      if (done) return;
      try {
        this.encode(frame);
      } finally {
        frame.close();
      }
    }
  }

  private encode(frame: VideoFrame): void {
    const way = WAYS[this.name];
    if (this.encoder.state === "unconfigured") {
      const { bitrate, framerate } = way;
      const [width, height] = [frame.displayWidth, frame.displayHeight];
      this.encoder.configure({ codec: "vp8", width, height, bitrate, framerate, latencyMode: "realtime" });
    }
    const nowMs = pageMs();
    if (this.encoder.encodeQueueSize > MOST_WAITING || nowMs <= this.lastMs) return;
    const keyFrame = nowMs - this.askedMs >= way.keyMs;
    if (keyFrame) this.askedMs = nowMs;
    this.lastMs = nowMs;
    const stamped = new VideoFrame(frame, { timestamp: Math.round(nowMs * 1000) });
    this.encoder.encode(stamped, { keyFrame });
    stamped.close();
  }

  private keep(chunk: EncodedVideoChunk): void {
    if (chunk.type === "key") this.handOn();
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    this.group.push({ atMs: chunk.timestamp / 1000, data });
  }

  private handOn(): void {
    if (this.group.length > 0) this.onGroup(this.name, this.group);
    this.group = [];
  }
}
