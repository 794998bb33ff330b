import { expect, test } from "vitest";

import { Flow, QUIET_MS, SILENT_MS } from "./flow";

test("a connection is silent when nothing came back for the limit", () => {
  const flow = new Flow(250, 0);
  flow.read({ atMs: 500, received: 40 });
  flow.read({ atMs: 1000, received: 80 });
  flow.read({ atMs: 1700, received: 80 });
  expect([flow.look(600), flow.look(1200)]).toEqual(["well", "well"]);
  const looks = [1000 + QUIET_MS, 1001 + QUIET_MS, 1000 + SILENT_MS, 1001 + SILENT_MS];
  expect(looks.map((nowMs) => flow.look(nowMs))).toEqual(["well", "quiet", "quiet", "silent"]);
  flow.read({ atMs: 3000, received: 120 });
  expect(flow.look(3001)).toBe("well");
});

test("a connection that never was heard is silent too", () => {
  const flow = new Flow(250, 1000);
  expect([flow.look(1900), flow.look(1001 + SILENT_MS)]).toEqual(["quiet", "silent"]);
});
