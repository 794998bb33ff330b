import { expect, test } from "vitest";

import { jump, readPiece, typeOf } from "./stream";

test("a piece says its track, whether a file begins, and the times", () => {
  const message = new ArrayBuffer(20);
  const head = new DataView(message);
  head.setUint8(0, 1);
  head.setUint8(1, 1);
  head.setFloat64(2, 4.5);
  head.setFloat64(10, 60.25);
  head.setUint8(19, 7);
  const { data, ...facts } = readPiece(message);
  expect(facts).toEqual({ track: 1, isStart: true, zeroS: 4.5, nowS: 60.25 });
  expect([...data]).toEqual([0, 7]);
});

test("playing goes on where it is unless it is too far behind or outside what is held", () => {
  expect(jump(9.5, 5, 10)).toBeNull();
  expect(jump(6, 5, 10)).toBeCloseTo(9.85);
  expect(jump(2, 5, 10)).toBeCloseTo(9.85);
  expect(jump(0, 9.95, 10)).toBeCloseTo(9.95);
});

test("the type of a file is WebM, or MP4 with what its codec needs", () => {
  const bytes = (text: string) => Uint8Array.from(text, (each) => each.charCodeAt(0));
  expect(typeOf(bytes("\u001aE\u00df\u00a3 webm"))).toBe('video/webm; codecs="vp8"');
  const mp4 = bytes("\0\0\0 ftypisom....avcC\u0001\u0042\u00e0\u001f\u00ff");
  expect(typeOf(mp4)).toBe('video/mp4; codecs="avc1.42e01f"');
});
