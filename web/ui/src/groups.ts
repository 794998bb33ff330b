// Encoded pictures on their way to the server after a break: groups of them, each from a key frame.

export type TrackName = "camera" | "screen";

/** One encoded picture; `atMs` on the page's clock. */
export interface Picture {
  atMs: number;
  data: Uint8Array;
}

/** What a key frame and the pictures after it became. `fromMs` to `untilMs` on the page's clock. */
export interface Group {
  track: TrackName;
  fromMs: number;
  untilMs: number;
  bytes: number;
}

const HEAD_BYTES = 12;
// what one request may hold, a little under what the server takes
const MOST_BYTES = 3_500_000;
const MOST_MS = 30_000;
const KEPT_MS = 600_000;

/** Big-endian: time in ms (f64), size (u32) and the bytes of each picture. */
export function wire(pictures: readonly Picture[]): Uint8Array<ArrayBuffer> {
  const size = pictures.reduce((sum, each) => sum + HEAD_BYTES + each.data.length, 0);
  const made = new Uint8Array(size);
  const view = new DataView(made.buffer);
  let at = 0;
  for (const each of pictures) {
    view.setFloat64(at, each.atMs);
    view.setUint32(at + 8, each.data.length);
    made.set(each.data, at + HEAD_BYTES);
    at += HEAD_BYTES + each.data.length;
  }
  return made;
}

/** The groups that go in the next request: the oldest of one track, as many as it may hold. */
export function nextBatch(groups: readonly Group[]): Group[] {
  const oldest = groups.reduce<Group | undefined>(
    (found, each) => (found === undefined || each.fromMs < found.fromMs ? each : found),
    undefined,
  );
  if (oldest === undefined) return [];
  const own = groups.filter((each) => each.track === oldest.track);
  own.sort((a, b) => a.fromMs - b.fromMs);
  const batch: Group[] = [];
  let bytes = 0;
  for (const each of own) {
    bytes += each.bytes;
    const isTooMuch = bytes > MOST_BYTES || each.untilMs - oldest.fromMs > MOST_MS;
    if (batch.length > 0 && isTooMuch) break;
    batch.push(each);
  }
  return batch;
}

/** The groups that are too old to be kept: the ring holds ten minutes. */
export function expired(groups: readonly Group[], nowMs: number): Group[] {
  return groups.filter((each) => each.untilMs < nowMs - KEPT_MS);
}
