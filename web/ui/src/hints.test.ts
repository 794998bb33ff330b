import { expect, test } from "vitest";

import { hintKey } from "./hints";

test("no hint means the picture is good", () => {
  expect(hintKey([])).toBe("hint.good");
});

test("a covered camera is said before what follows from it", () => {
  expect(hintKey(["dark", "no_face", "covered"])).toBe("hint.covered");
});

test("an unknown hint is a picture that could not be checked, never a good one", () => {
  expect(hintKey(["something_new"])).toBe("hint.not_assessed");
});
