import { expect, test } from "vitest";

import { endText, identityText } from "./words";

const word = (state: string, hint: string | null = null) => ({ state, hint, attempts_left: 2 });

test("each state of the identity check has its sentence", () => {
  expect(identityText(word("verified"))).toEqual(["id.face_ok", {}]);
  expect(identityText(word("failed"))).toEqual(["id.face_fail", { n: 2 }]);
  expect(identityText(word("manual"))).toEqual(["id.manual_wait", {}]);
  expect(identityText(word("looking"))).toEqual(["id.looking", {}]);
});

test("what is asked for is said with its number", () => {
  const asked = { ...word("challenge"), ask: "turn_left", step: 2, steps: 3 };
  expect(identityText(asked)).toEqual(["challenge.turn_left", { n: 2, of: 3 }]);
  expect(identityText({ ...asked, ask: null })[0]).toBe("challenge.ahead");
});

test("while looking, a hint says what to change", () => {
  expect(identityText(word("looking", "too_small"))).toEqual(["hint.too_small", {}]);
});

test("an ending without a sentence of its own still has one", () => {
  expect(["time_over", "ended_by_proctors", "unheard_of"].map(endText)).toEqual([
    "ended.deadline",
    "ended.by_proctors",
    "ended.other",
  ]);
});
