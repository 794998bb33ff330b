import { expect, test } from "vitest";

import { isSentence } from "./sentence";

test("capitals and spaces at the ends do not matter, a slip does", () => {
  expect(isSentence(" i Take it ", "I take it")).toBe(true);
  expect(isSentence("I take t", "I take it")).toBe(false);
});
