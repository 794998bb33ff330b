import { describe, expect, it } from "vitest";

import { clockText, markAt, neighbour, shareAt, ticks } from "./timeline";

const EXAM = { startS: -10, endS: 90 };

describe("timeline", () => {
  it("places moments as shares and holds them inside", () => {
    expect(shareAt(EXAM, -10)).toBe(0);
    expect(shareAt(EXAM, 40)).toBe(0.5);
    expect(shareAt(EXAM, 900)).toBe(1);
    expect(shareAt({ startS: 0, endS: 0 }, 5)).toBe(0);
  });

  it("keeps a mark of a moment wide enough to hit and inside the bar", () => {
    expect(markAt(EXAM, { startS: 40, endS: 65 }, 1)).toEqual({ left: 50, width: 25 });
    expect(markAt(EXAM, { startS: 40, endS: 40 }, 1)).toEqual({ left: 50, width: 1 });
    expect(markAt(EXAM, { startS: 90, endS: 90 }, 2)).toEqual({ left: 98, width: 2 });
  });

  it("labels round moments, few enough to read", () => {
    expect(ticks(EXAM, 10)).toEqual([-10, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    expect(ticks(EXAM, 7)).toEqual([0, 15, 30, 45, 60, 75, 90]);
    expect(ticks({ startS: 0, endS: 10_800 }, 6)).toEqual([0, 1800, 3600, 5400, 7200, 9000, 10_800]);
  });

  it("writes time as the server does", () => {
    expect([0, 65, 59.9, 3600, 3725, -4.2].map(clockText)).toEqual(["0:00", "1:05", "0:59", "1:00:00", "1:02:05", "−0:04"]);
  });

  it("steps to the next start and back over one that just began", () => {
    const starts = [50, 10, 30];
    expect(neighbour(starts, 0, 1)).toBe(10);
    expect(neighbour(starts, 30, 1)).toBe(50);
    expect(neighbour(starts, 60, 1)).toBeNull();
    expect(neighbour(starts, 30.5, -1)).toBe(10);
    expect(neighbour(starts, 35, -1)).toBe(30);
    expect(neighbour(starts, 5, -1)).toBeNull();
  });
});
