import { expect, test } from "vitest";

import { speedOf } from "./speed";

test("speed is bits over time", () => {
  expect(speedOf(250_000, 1000)).toEqual({ mbps: "2.0", isEnough: true });
});

test("below what camera and screen need it is not enough", () => {
  expect(speedOf(62_500, 1000)).toEqual({ mbps: "0.5", isEnough: false });
});
