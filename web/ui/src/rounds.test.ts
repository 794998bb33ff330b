import { expect, test } from "vitest";

import { enoughKeys, isWithoutKeys, RoundCount, sentencesOf } from "./rounds";

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

test("text without keys is told once there is some, and not of somebody who mends a lot", () => {
  expect([0, 19, 20, 80].map((chars) => isWithoutKeys(0, chars))).toEqual([false, false, true, true]);
  expect([isWithoutKeys(39, 80), isWithoutKeys(40, 80), isWithoutKeys(200, 80)]).toEqual([
    true,
    false,
    false,
  ]);
});

test("rounds are counted, and those that can be used", () => {
  const rounds = new RoundCount();
  for (const isUsable of [true, false, true]) rounds.add(isUsable);
  expect([rounds.usable, rounds.taken]).toEqual([2, 3]);
});
