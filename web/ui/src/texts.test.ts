import { expect, test } from "vitest";

import { sayFrom } from "./texts";

test("values are filled into the sentence", () => {
  expect(sayFrom({ left: "Қалғаны: {n}." })("left", { n: 3 })).toBe("Қалғаны: 3.");
});

test("a sentence the page was not given is an error", () => {
  expect(() => sayFrom({})("missing")).toThrow("no text for missing");
});
