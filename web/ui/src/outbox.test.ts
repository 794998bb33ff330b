import { expect, test, vi } from "vitest";

import { type BrowserFact, Outbox } from "./outbox";

const fact = (name: BrowserFact["name"], ms = 0): BrowserFact => ({ name, ms, values: {} });

function openOutbox(lastSeq = 0): Outbox {
  const outbox = new Outbox();
  outbox.resume(lastSeq);
  return outbox;
}

test("numbers go on from the last one the server has", () => {
  const outbox = openOutbox(7);
  expect([outbox.seal(null, 5).seq, outbox.seal(null, 5).seq]).toEqual([8, 9]);
});

test("facts noted before the server spoke wait for the first batch", () => {
  const outbox = new Outbox();
  outbox.note(fact("page_hidden", 5));
  expect(outbox.isOpen).toBe(false);
  expect(() => outbox.seal(null, 5)).toThrow();
  outbox.resume(0);
  expect(outbox.seal(null, 5)).toEqual({ seq: 1, ms: 5, browser: [fact("page_hidden", 5)], keys: null });
});

test("a fact goes in one batch only", () => {
  const outbox = openOutbox();
  outbox.note(fact("copy"));
  expect(outbox.seal(null, 5).browser).toHaveLength(1);
  expect(outbox.hasNoted).toBe(false);
  expect(outbox.seal(null, 5).browser).toEqual([]);
});

test("keys carry the version of their format", () => {
  const keys = { clock_step_ms: 1, events: [[0, 3, 80, 0]] as [number, number, number, number][] };
  expect(openOutbox().seal(keys, 5).keys).toEqual({ v: 1, ...keys });
});

test("after a break exactly the unacknowledged batches go again, under their numbers", () => {
  const outbox = openOutbox();
  for (let i = 0; i < 4; i++) outbox.seal(null, 5);
  outbox.acknowledge(1);
  expect(outbox.resume(2).map((batch) => batch.seq)).toEqual([3, 4]);
  expect(outbox.seal(null, 5).seq).toBe(5);
});

test("what a server that went back to an older state cannot take is given up", async () => {
  const outbox = openOutbox(4);
  outbox.note(fact("focus_lost"));
  outbox.seal(null, 5);
  outbox.seal(null, 6);
  expect(outbox.resume(2)).toEqual([]);
  await outbox.emptied(60_000);
  expect(outbox.seal(null, 7).seq).toBe(3);
  // also where it had everything
  outbox.acknowledge(3);
  outbox.resume(1);
  expect(outbox.seal(null, 8).seq).toBe(2);
});

test("what was sealed while the server was away goes with the rest", () => {
  const outbox = openOutbox();
  outbox.note(fact("focus_lost"));
  outbox.seal(null, 5);
  outbox.note(fact("focus_gained"));
  outbox.seal(null, 5);
  expect(outbox.resume(0).map((batch) => batch.browser[0]?.name)).toEqual([
    "focus_lost",
    "focus_gained",
  ]);
});

test("whoever ends the exam waits until the server has everything, but not for ever", async () => {
  vi.useFakeTimers();
  const outbox = openOutbox();
  await outbox.emptied(4000);
  outbox.note(fact("focus_lost"));
  outbox.seal(null, 5);
  outbox.seal(null, 6);
  const told: string[] = [];
  void outbox.emptied(4000).then(() => told.push("has all"));
  outbox.acknowledge(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(told).toEqual([]);
  outbox.acknowledge(2);
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual(["has all"]);

  outbox.seal(null, 7);
  void outbox.emptied(4000).then(() => told.push("waited enough"));
  await vi.advanceTimersByTimeAsync(3999);
  expect(told).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(told[1]).toBe("waited enough");
  vi.useRealTimers();
});
