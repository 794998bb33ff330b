import { afterEach, expect, test, vi } from "vitest";

import { Carried, forget } from "./carried";
import { type Batch, Outbox } from "./outbox";

class Tab {
  readonly held = new Map<string, string>();

  get length(): number {
    return this.held.size;
  }

  key(index: number): string | null {
    return [...this.held.keys()][index] ?? null;
  }

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

/** The time of day, and the clock of the page. */
function at(wall: number, page: number): void {
  vi.spyOn(Date, "now").mockReturnValue(wall);
  vi.spyOn(performance, "now").mockReturnValue(page);
}

afterEach(() => vi.restoreAllMocks());

test("what was left has the same age on the clock of the next page, after an hour of sleep too", () => {
  const tab = new Tab();
  const page = new Carried(tab, "a");
  // loaded at 10 s; its clock stood still for an hour
  at(3_615_000, 5000);
  page.leave([batch(7, 4000)]);
  at(3_618_000, 1000);
  const [kept] = new Carried(tab, "a").take();
  // 4 s before
  expect(tab.held.size).toBe(0);
  expect(kept).toEqual({ ...batch(7, -3000), keys: batch(7, 0).keys });
});

test("after a reload the batches go again under their numbers, and new ones follow them", () => {
  const tab = new Tab();
  new Carried(tab, "a").leave([batch(4, 10), batch(5, 20), batch(6, 30)]);
  const outbox = new Outbox(new Carried(tab, "a").take());
  // the acknowledgement of the first was on its way when the page went
  expect(outbox.resume(4).map((each) => each.seq)).toEqual([5, 6]);
  expect(outbox.seal(null, 40).seq).toBe(7);
  outbox.acknowledge(7);
  expect(outbox.unsent).toEqual([]);
});

test("nothing is left when the server has all, and none of another sitting is read", () => {
  const tab = new Tab();
  new Carried(tab, "a").leave([batch(1, 10)]);
  expect(new Carried(tab, "b").take()).toEqual([]);
  expect(tab.held.size).toBe(1);
  new Carried(tab, "a").leave([]);
  expect(tab.held.size).toBe(0);
});

test("what any sitting left is forgotten, and nothing else of the tab", () => {
  const tab = new Tab();
  tab.setItem("wall", "{}");
  for (const sitting of ["a", "b"]) new Carried(tab, sitting).leave([batch(1, 10)]);
  forget(tab);
  expect([...tab.held.keys()]).toEqual(["wall"]);
});

test("of too many the oldest are kept, without a gap in their numbers", () => {
  const tab = new Tab();
  const many = Array.from({ length: 400 }, (_, i) => batch(i + 1, i, 200));
  new Carried(tab, "a").leave(many);
  const [text] = tab.held.values();
  expect(text?.length).toBeLessThanOrEqual(1_000_000);
  const kept = new Carried(tab, "a").take();
  expect(kept.length).toBeGreaterThan(250);
  expect(kept.map((each) => each.seq)).toEqual(kept.map((_, i) => i + 1));
});
