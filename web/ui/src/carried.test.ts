import { expect, test } from "vitest";

import { Carried } from "./carried";
import { type Batch, Outbox } from "./outbox";

class Tab {
  readonly held = new Map<string, string>();

  getItem(key: string): string | null {
    return this.held.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.held.set(key, value);
  }

  removeItem(key: string): void {
    this.held.delete(key);
  }
}

const batch = (seq: number, ms: number, keys = 1): Batch => ({
  seq,
  ms,
  browser: [{ name: "focus_lost", ms: ms - 50, values: {} }],
  keys: { v: 1, clock_step_ms: 1, events: Array.from({ length: keys }, () => [120, 3, 80, 0]) },
});

test("what was left has the same age on the clock of the next page", () => {
  const tab = new Tab();
  new Carried(tab, "a", 10_000).leave([batch(7, 4000)]);
  const [kept] = new Carried(tab, "a", 17_000).take();
  expect(tab.held.size).toBe(0);
  expect(kept).toEqual({ ...batch(7, -3000), keys: batch(7, 0).keys });
});

test("after a reload the batches go again under their numbers, and new ones follow them", () => {
  const tab = new Tab();
  new Carried(tab, "a", 0).leave([batch(4, 10), batch(5, 20), batch(6, 30)]);
  const outbox = new Outbox(new Carried(tab, "a", 0).take());
  // the acknowledgement of the first was on its way when the page went
  expect(outbox.resume(4).map((each) => each.seq)).toEqual([5, 6]);
  expect(outbox.seal(null, 40).seq).toBe(7);
  outbox.acknowledge(7);
  expect(outbox.unsent).toEqual([]);
});

test("nothing is left when the server has all, and none of another sitting is read", () => {
  const tab = new Tab();
  new Carried(tab, "a", 0).leave([batch(1, 10)]);
  expect(new Carried(tab, "b", 0).take()).toEqual([]);
  expect(tab.held.size).toBe(1);
  new Carried(tab, "a", 0).leave([]);
  expect(tab.held.size).toBe(0);
});

test("of too many the oldest are kept, without a gap in their numbers", () => {
  const tab = new Tab();
  const many = Array.from({ length: 400 }, (_, i) => batch(i + 1, i, 200));
  new Carried(tab, "a", 0).leave(many);
  const [text] = tab.held.values();
  expect(text?.length).toBeLessThanOrEqual(1_000_000);
  const kept = new Carried(tab, "a", 0).take();
  expect(kept.length).toBeGreaterThan(250);
  expect(kept.map((each) => each.seq)).toEqual(kept.map((_, i) => i + 1));
});
