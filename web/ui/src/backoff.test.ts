import { expect, test } from "vitest";

import { waitMs } from "./backoff";

test("waits between half a second and two seconds, longer each time", () => {
  expect([0, 1, 2, 3, 4, 20].map((attempt) => waitMs(attempt, 0.5))).toEqual([
    500, 750, 1500, 1500, 1500, 1500,
  ]);
  expect(waitMs(0, 0)).toBe(500);
  expect(waitMs(20, 0.999)).toBeLessThanOrEqual(2000);
});
