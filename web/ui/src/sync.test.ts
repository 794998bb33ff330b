import { describe, expect, it } from "vitest";

import { correction, placeOf, SittingClock, type Part } from "./sync";

const PARTS: Part[] = [
  { url: "a", startS: -20, lengthS: 60 },
  { url: "b", startS: 48, lengthS: null },
];

describe("placeOf", () => {
  it("finds the file and the moment in it", () => {
    expect(placeOf(PARTS, 0)).toEqual({ index: 0, offsetS: 20 });
    expect(placeOf(PARTS, 50)).toEqual({ index: 1, offsetS: 2 });
  });

  it("has nothing for what no file holds", () => {
    expect(placeOf(PARTS, -21)).toBeNull();
    expect(placeOf(PARTS, 45)).toBeNull();
    expect(placeOf([], 0)).toBeNull();
  });

  it("shows the first picture a moment early", () => {
    expect(placeOf(PARTS, 47.9)).toEqual({ index: 1, offsetS: 0 });
    expect(placeOf(PARTS, 47.5)).toBeNull();
  });

  it("goes back to a file that went on when what filled its gap has ended", () => {
    const parts = [
      { url: "live", startS: 0, lengthS: 100 },
      { url: "sent", startS: 30, lengthS: 20 },
    ];
    expect(placeOf(parts, 40)).toEqual({ index: 1, offsetS: 10 });
    expect(placeOf(parts, 60)).toEqual({ index: 0, offsetS: 60 });
  });

  it("asks a file of unknown length", () => {
    expect(placeOf(PARTS, 4000)).toEqual({ index: 1, offsetS: 3952 });
  });
});

describe("correction", () => {
  it("jumps when a playing video is far off, and nudges when it is near", () => {
    expect(correction(10, 11, 1, true)).toEqual({ seekS: 11, rate: 1 });
    expect(correction(10, 10.2, 2, true)).toEqual({ seekS: null, rate: 2.1 });
    expect(correction(10.2, 10, 2, true)).toEqual({ seekS: null, rate: 1.9 });
    expect(correction(10, 10.03, 1, true)).toEqual({ seekS: null, rate: 1 });
  });

  it("shows the very moment while paused", () => {
    expect(correction(10, 10.1, 1, false)).toEqual({ seekS: 10.1, rate: 1 });
    expect(correction(10, 10.01, 1, false)).toEqual({ seekS: null, rate: 1 });
  });
});

describe("SittingClock", () => {
  const clock = (): SittingClock => new SittingClock({ startS: -5, endS: 90 }, 0);

  it("goes on while playing, at its rate, and stands while paused", () => {
    const time = clock();
    time.play(1000);
    expect(time.at(3000)).toBe(2);
    time.setRate(2, 3000);
    expect(time.at(4000)).toBe(4);
    time.pause(4000);
    expect(time.at(9000)).toBe(4);
  });

  it("stands while a stream is loading", () => {
    const time = clock();
    time.play(0);
    time.hold(true, 1000);
    expect(time.at(5000)).toBe(1);
    time.hold(false, 5000);
    expect(time.at(6000)).toBe(2);
  });

  it("stays inside the recording and stops at its end", () => {
    const time = clock();
    time.seek(-100, 0);
    expect(time.at(0)).toBe(-5);
    time.seek(89, 0);
    time.play(0);
    expect(time.at(5000)).toBe(90);
    expect(time.isPlaying).toBe(false);
    time.play(6000);
    expect(time.at(6000)).toBe(-5);
  });
});
