import { expect, test } from "vitest";

import { expired, type Group, nextBatch, type TrackName, wire } from "./groups";

const group = (track: TrackName, fromMs: number, bytes = 1000): Group => ({
  track,
  fromMs,
  untilMs: fromMs + 1000,
  bytes,
});

test("pictures are written with their time and size", () => {
  const made = wire([
    { atMs: 1.5, data: new Uint8Array([7, 8]) },
    { atMs: 2, data: new Uint8Array([9]) },
  ]);
  expect(made).toHaveLength(27);
  const view = new DataView(made.buffer);
  expect([view.getFloat64(0), view.getUint32(8), made[12], made[13]]).toEqual([1.5, 2, 7, 8]);
  expect([view.getFloat64(14), view.getUint32(22), made[26]]).toEqual([2, 1, 9]);
});

test("a request holds the oldest groups of one track", () => {
  const groups = [group("screen", 500), group("camera", 1000), group("camera", 0)];
  expect(nextBatch(groups).map((each) => each.fromMs)).toEqual([0, 1000]);
  expect(nextBatch([])).toEqual([]);
});

test("a request is bounded in bytes and in time, and holds one group at least", () => {
  const large = [0, 1, 2].map((n) => group("camera", n * 1000, 1_500_000));
  expect(nextBatch(large)).toHaveLength(2);
  expect(nextBatch([group("camera", 0, 9_000_000)])).toHaveLength(1);
  const long = Array.from({ length: 60 }, (_, n) => group("camera", n * 1000));
  expect(nextBatch(long)).toHaveLength(30);
});

test("what is older than ten minutes is given up", () => {
  const groups = [group("camera", 0), group("camera", 500_000)];
  expect(expired(groups, 602_000)).toEqual([groups[0]]);
});
