import { expect, test } from "vitest";

import { enoughKeys, RoundCount, sentencesOf } from "./rounds";

const ALL = ["a", "b", "c", "d", "e"];

test("rounds show pairs of sentences and then begin again", () => {
  expect([0, 1, 2, 3].map((round) => sentencesOf(round, ALL))).toEqual([
    "a b",
    "c d",
    "a b",
    "c d",
  ]);
});

test("half of the text is enough to send a round", () => {
  expect([enoughKeys(9, "x".repeat(20)), enoughKeys(10, "x".repeat(20))]).toEqual([false, true]);
});

test("rounds are counted, and those that can be used", () => {
  const rounds = new RoundCount();
  for (const isUsable of [true, false, true]) rounds.add(isUsable);
  expect([rounds.usable, rounds.taken]).toEqual([2, 3]);
});
