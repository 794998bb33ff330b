// One track shown while it is recorded: clusters in, played as close to now as they come.

const BEHIND_S = 1.2;
const NEAR_S = 0.15;
const KEPT_S = 30;
const HEAD_BYTES = 18;
const HEADER_BYTES = 1024;

export interface Piece {
  track: number;
  isStart: boolean;
  zeroS: number;
  nowS: number;
  data: Uint8Array<ArrayBuffer>;
}

export function readPiece(message: ArrayBuffer): Piece {
  const head = new DataView(message, 0, HEAD_BYTES);
  return {
    track: head.getUint8(0),
    isStart: head.getUint8(1) === 1,
    zeroS: head.getFloat64(2),
    nowS: head.getFloat64(10),
    data: new Uint8Array(message, HEAD_BYTES),
  };
}

/** What a player must know of a file before it takes the first bytes, which are *data*. */
export function typeOf(data: Uint8Array): string {
  const text = String.fromCharCode(...data.subarray(0, HEADER_BYTES));
  if (text.slice(4, 8) !== "ftyp") return 'video/webm; codecs="vp8"';
  // the configuration's version, then what the codec's name ends with
  const at = text.indexOf("avcC") + 5;
  const profile = [...data.subarray(at, at + 3)].map((each) => each.toString(16).padStart(2, "0"));
  return `video/mp4; codecs="avc1.${profile.join("")}"`;
}

/** Where to go on when playing at *at* of what is held from *start* to *end*; null to stay. */
export function jump(at: number, start: number, end: number): number | null {
  if (at >= start && at <= end && end - at <= BEHIND_S) return null;
  return Math.max(start, end - NEAR_S);
}

export class Stream {
  private source: MediaSource | null = null;
  private buffer: SourceBuffer | null = null;
  private type = "";
  private waiting: Piece[] = [];
  private nowS = 0;
  private heardMs = 0;

  constructor(private readonly video: HTMLVideoElement) {}

  /** Seconds between the picture shown and the server's now; null without a picture. */
  get lagS(): number | null {
    if (this.heardMs === 0 || this.video.readyState < 2) return null;
    return this.nowS + (performance.now() - this.heardMs) / 1000 - this.video.currentTime;
  }

  take(piece: Piece): void {
    this.nowS = piece.nowS;
    this.heardMs = performance.now();
    this.waiting.push(piece);
    this.append();
  }

  /** Forget all: the next piece begins a file. */
  restart(): void {
    this.waiting = [];
    this.buffer = null;
    const source = new MediaSource();
    this.source = source;
    const url = URL.createObjectURL(source);
    this.video.src = url;
    source.addEventListener("sourceopen", () => {
      URL.revokeObjectURL(url);
      this.append();
    });
  }

  private append(): void {
    const [piece] = this.waiting;
    if (this.buffer?.updating === true || piece === undefined) return;
    if (this.source?.readyState !== "open") return;
    this.waiting.shift();
    const buffer = this.buffer ?? this.added(this.source, typeOf(piece.data));
    if (piece.isStart) {
      buffer.abort();
      const type = typeOf(piece.data);
      if (type !== this.type) buffer.changeType(type);
      this.type = type;
      buffer.timestampOffset = piece.zeroS;
    }
    buffer.appendBuffer(piece.data);
  }

  private added(source: MediaSource, type: string): SourceBuffer {
    const buffer = source.addSourceBuffer(type);
    buffer.addEventListener("updateend", () => this.settle());
    this.type = type;
    this.buffer = buffer;
    return buffer;
  }

  private settle(): void {
    const buffer = this.buffer;
    if (buffer === null || buffer.buffered.length === 0) return;
    const last = buffer.buffered.length - 1;
    const [start, end] = [buffer.buffered.start(last), buffer.buffered.end(last)];
    const to = jump(this.video.currentTime, start, end);
    if (to !== null) this.video.currentTime = to;
    if (this.video.paused) void this.video.play().catch(() => undefined);
    const oldest = buffer.buffered.start(0);
    if (this.waiting.length === 0 && end - oldest > 2 * KEPT_S) buffer.remove(oldest, end - KEPT_S);
    this.append();
  }
}
