import { expect, it } from "vitest";

import { actionOf } from "./shortcuts";

it("knows the keys of the player and of the card by their place", () => {
  expect(actionOf("KeyJ", false)).toEqual({ name: "skip", direction: -1 });
  expect(actionOf("KeyL", true)).toEqual({ name: "skip", direction: 1 });
  expect(actionOf("KeyN", false)).toEqual({ name: "step", direction: 1 });
  expect(actionOf("Digit3", false)).toEqual({ name: "reason", number: 3 });
  expect(actionOf("KeyU", false)).toEqual({ name: "choose", key: "U" });
  expect(actionOf("KeyQ", false)).toBeNull();
});

it("leaves Space to a button and to a box to tick", () => {
  expect(actionOf("Space", false)).toEqual({ name: "toggle" });
  expect(actionOf("Space", true)).toBeNull();
});
