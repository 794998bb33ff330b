import { expect, test } from "vitest";

import { Flow, SILENT_MS } from "./flow";

test("a connection is silent when nothing came back for the limit", () => {
  const flow = new Flow(0);
  flow.read({ atMs: 500, sent: 0, received: 40 });
  flow.read({ atMs: 1000, sent: 0, received: 80 });
  flow.read({ atMs: 2500, sent: 0, received: 80 });
  expect([flow.isQuiet(1800), flow.isQuiet(1801)]).toEqual([false, true]);
  expect(flow.isSilent(1000 + SILENT_MS)).toBe(false);
  expect(flow.isSilent(1001 + SILENT_MS)).toBe(true);
  flow.read({ atMs: 3000, sent: 0, received: 120 });
  expect(flow.isSilent(3001)).toBe(false);
});

test("a connection that never was heard is silent too", () => {
  expect(new Flow(1000).isSilent(1001 + SILENT_MS)).toBe(true);
});

test("the rate is that of the last seconds", () => {
  const flow = new Flow(0);
  expect(flow.sentKbps).toBeNull();
  for (let second = 0; second <= 20; second++) {
    const sent = second <= 10 ? second * 50_000 : 500_000 + (second - 10) * 10_000;
    flow.read({ atMs: second * 1000, sent, received: second });
  }
  expect(flow.sentKbps).toBe(80);
});
