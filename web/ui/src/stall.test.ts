import { expect, test } from "vitest";
import { Stall } from "./stall";

test("a look that comes much too late tells for how long the page stood still", () => {
  const stall = new Stall(250, 1000);
  expect([1250, 2250, 7500, 7750].map((nowMs) => stall.beforeMs(nowMs))).toEqual([0, 0, 5000, 0]);
});
