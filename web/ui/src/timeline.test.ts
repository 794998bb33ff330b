import { describe, expect, it } from "vitest";

import { clockText, shareAt, ticks } from "./timeline";

const EXAM = { startS: -10, endS: 90 };

describe("timeline", () => {
  it("places moments as shares and holds them inside", () => {
    expect(shareAt(EXAM, -10)).toBe(0);
    expect(shareAt(EXAM, 40)).toBe(0.5);
    expect(shareAt(EXAM, 900)).toBe(1);
    expect(shareAt({ startS: 0, endS: 0 }, 5)).toBe(0);
  });

  it("labels round moments, few enough to read", () => {
    expect(ticks(EXAM, 10)).toEqual([-10, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    expect(ticks(EXAM, 7)).toEqual([0, 15, 30, 45, 60, 75, 90]);
    expect(ticks({ startS: 0, endS: 10_800 }, 6)).toEqual([0, 1800, 3600, 5400, 7200, 9000, 10_800]);
  });

  it("writes time as the server does", () => {
    expect([0, 65, 59.9, 3600, 3725, -4.2].map(clockText)).toEqual(["0:00", "1:05", "0:59", "1:00:00", "1:02:05", "−0:04"]);
  });
});
