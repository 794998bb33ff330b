import { expect, test } from "vitest";

import { type Said, sentence } from "./talk";

const say = (key: string, values: Record<string, string | number> = {}): string =>
  [key, ...Object.values(values)].join(" ");
const said: Said = { number: 1, act: "message", phrase: null, words: "Hi", minutes: null, at: "" };

test("a message is its own words or a ready sentence", () => {
  expect(sentence(said, say)).toBe("Hi");
  expect(sentence({ ...said, phrase: "light", words: "" }, say)).toBe("phrase.light");
});

test("what was done is named, with its reason and its minutes", () => {
  expect(sentence({ ...said, act: "extension", minutes: 5 }, say)).toBe("talk.act.extension Hi 5");
  expect(sentence({ ...said, act: "warning", phrase: "screen" }, say)).toBe(
    "talk.act.warning phrase.screen 0",
  );
});
