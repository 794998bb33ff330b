import { expect, test } from "vitest";

import { Unsent, isWorthAnotherTry } from "./unsent";

function storage(): Map<string, string> & Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  const kept = new Map<string, string>();
  return Object.assign(kept, {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
    removeItem: (key: string) => void kept.delete(key),
  });
}

test("what was typed is there again after the page was closed", () => {
  const store = storage();
  new Unsent(store, "protocol:1").keep({ number: "7" });
  expect(new Unsent(store, "protocol:1").read()).toEqual({ fields: { number: "7" }, sealed: null });
  expect(new Unsent(store, "protocol:2").read()).toBeNull();
});

test("what is to be sent stays as it was sealed", () => {
  const unsent = new Unsent<{ n: number }>(storage(), "protocol:1");
  unsent.keep({ number: "7" }, { n: 7 });
  expect(unsent.read()?.sealed).toEqual({ n: 7 });
});

test("nothing is left behind once it was sent", () => {
  const store = storage();
  const unsent = new Unsent(store, "protocol:1");
  unsent.keep({ number: "7" });
  unsent.clear();
  expect(store.size).toBe(0);
});

test("only what is not the fault of what was sent is tried again", () => {
  expect([0, 401, 404, 409, 422, 429, 503].filter(isWorthAnotherTry)).toEqual([0, 429, 503]);
});
