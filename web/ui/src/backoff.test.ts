import { expect, test } from "vitest";

import { waitMs } from "./backoff";

test("waits a second at most before the first try and two before all others", () => {
  expect([0, 1, 2, 20].map((attempt) => waitMs(attempt, 0))).toEqual([250, 250, 250, 250]);
  expect([0, 1, 2, 20].map((attempt) => waitMs(attempt, 1))).toEqual([1000, 2000, 2000, 2000]);
});

test("brings the pages of one break back one after the other, from the first try on", () => {
  const waits = Array.from({ length: 300 }, (_, page) => waitMs(0, page / 300));
  const perTenth = new Map<number, number>();
  for (const wait of waits) {
    const tenth = Math.floor(wait / 100);
    perTenth.set(tenth, (perTenth.get(tenth) ?? 0) + 1);
  }
  expect(Math.max(...perTenth.values())).toBeLessThanOrEqual(40);
});
