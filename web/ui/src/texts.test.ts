import { expect, test } from "vitest";

import { sayFrom } from "./texts";

test("values are filled into the sentence", () => {
  expect(sayFrom({ left: "Қалғаны: {n}." })("left", { n: 3 })).toBe("Қалғаны: 3.");
});

test("a sentence the page was not given is an error", () => {
  expect(() => sayFrom({})("missing")).toThrow("no text for missing");
});

test("a word has the form that goes with its number", () => {
  const say = sayFrom({
    en: "{n} {n:other needs|others need} somebody",
    ru: "ещё {n} {n:сеанс|сеанса|сеансов}",
  });
  expect([0, 1, 2].map((n) => say("en", { n }))).toEqual([
    "0 others need somebody",
    "1 other needs somebody",
    "2 others need somebody",
  ]);
  expect([1, 2, 5, 11, 14, 21, 112, 122].map((n) => say("ru", { n }).slice(4))).toEqual([
    "1 сеанс",
    "2 сеанса",
    "5 сеансов",
    "11 сеансов",
    "14 сеансов",
    "21 сеанс",
    "112 сеансов",
    "122 сеанса",
  ]);
});
