import { expect, test } from "vitest";

import { Flow, SILENT_MS } from "./flow";

test("a connection is silent when nothing came back for the limit", () => {
  const flow = new Flow(0);
  flow.read({ atMs: 500, received: 40 });
  flow.read({ atMs: 1000, received: 80 });
  flow.read({ atMs: 2500, received: 80 });
  expect([flow.isQuiet(1800), flow.isQuiet(1801)]).toEqual([false, true]);
  expect(flow.isSilent(1000 + SILENT_MS)).toBe(false);
  expect(flow.isSilent(1001 + SILENT_MS)).toBe(true);
  flow.read({ atMs: 3000, received: 120 });
  expect(flow.isSilent(3001)).toBe(false);
});

test("silence that nobody could have heard is not counted", () => {
  const flow = new Flow(0);
  flow.read({ atMs: 500, received: 40 });
  flow.forgive(4000, 5000);
  expect([flow.isSilent(500 + 4000 + SILENT_MS), flow.isSilent(501 + 4000 + SILENT_MS)]).toEqual([false, true]);
  flow.forgive(9000, 7000);
  expect(flow.isSilent(7001 + SILENT_MS)).toBe(true);
});

test("a connection that never was heard is silent too", () => {
  expect(new Flow(1000).isSilent(1001 + SILENT_MS)).toBe(true);
});
