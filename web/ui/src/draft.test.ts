import { expect, test } from "vitest";

import { Draft } from "./draft";

test("an unchanged answer is not sent", () => {
  expect(new Draft("text", 3).next()).toBeNull();
});

test("a save carries the next revision and settles", () => {
  const draft = new Draft("", 0);
  draft.edit("a");
  expect(draft.state).toBe("unsaved");
  expect(draft.next()).toEqual({ revision: 1, text: "a" });
  expect(draft.state).toBe("saving");
  draft.saved();
  expect(draft.state).toBe("saved");
});

test("one save is under way at a time, and what came meanwhile goes next", () => {
  const draft = new Draft("", 4);
  draft.edit("a");
  draft.next();
  draft.edit("ab");
  expect(draft.next()).toBeNull();
  draft.saved();
  expect(draft.state).toBe("unsaved");
  expect(draft.next()).toEqual({ revision: 6, text: "ab" });
});

test("a lost save goes again under the same revision", () => {
  const draft = new Draft("", 0);
  draft.edit("a");
  draft.next();
  draft.lost();
  expect(draft.state).toBe("failed");
  expect(draft.next()).toEqual({ revision: 1, text: "a" });
});

test("after a stale save the text goes again above the server's revision", () => {
  const draft = new Draft("", 0);
  draft.edit("a");
  draft.next();
  draft.stale(5);
  expect(draft.next()).toEqual({ revision: 6, text: "a" });
});

test("after the exam nothing is sent and the page says so", () => {
  const draft = new Draft("", 0);
  draft.edit("a");
  draft.next();
  draft.closed();
  expect(draft.state).toBe("late");
  expect(draft.next()).toBeNull();
});

test("what was too late goes again when the exam goes on after all", () => {
  const draft = new Draft("", 0);
  draft.edit("a");
  draft.next();
  draft.closed();
  draft.reopened();
  expect(draft.state).toBe("unsaved");
  expect(draft.next()).toEqual({ revision: 1, text: "a" });
});

test("only spaces are no answer", () => {
  expect([new Draft(" \n", 0).isAnswered, new Draft("x", 0).isAnswered]).toEqual([false, true]);
});
