import { expect, test } from "vitest";

import { Pacer, type Reading } from "./pace";

/** A line of some kbit/s under the page: what it is offered goes over it, the rest is lost. */
class PlayedLine {
  private atMs = 0;
  private sent = { packets: 0, lost: 0 };
  readonly steps: string[] = [];

  constructor(readonly pacer: Pacer) {}

  run(seconds: number, kbps: number): void {
    for (let second = 0; second < seconds; second++) {
      const offered = { full: 550, low: 140, stills: 50 }[this.pacer.pace];
      const told = { full: 300, low: 100, stills: 70 }[this.pacer.pace];
      const rate = Math.min(offered, Math.max(kbps, told));
      this.atMs += 1000;
      this.sent.packets += rate / 8;
      this.sent.lost += Math.max(0, rate - kbps) / 8;
      const reading: Reading = {
        atMs: this.atMs,
        packetsSent: this.sent.packets,
        packetsLost: this.sent.lost,
        rttMs: rate > kbps ? 1500 : 80,
        availableKbps: Math.max(kbps, told),
      };
      if (this.pacer.read(reading)) this.steps.push(`${this.atMs / 1000} ${this.pacer.pace}`);
    }
  }
}

test("a line that carries all is never left", () => {
  const line = new PlayedLine(new Pacer("stills"));
  line.run(600, 400);
  expect(line.steps).toEqual([]);
});

test("a line for few pictures gets few, after some seconds", () => {
  const line = new PlayedLine(new Pacer("stills"));
  line.run(20, 600);
  line.run(13, 160);
  expect(line.steps).toEqual(["23 low"]);
});

test("a line for less gets stills and never nothing", () => {
  const line = new PlayedLine(new Pacer("stills"));
  line.run(120, 50);
  expect(line.steps.slice(0, 2)).toEqual(["5 low", "10 stills"]);
});

test("a browser that cannot make stills stays at few pictures", () => {
  const line = new PlayedLine(new Pacer("low"));
  line.run(120, 50);
  expect(line.pacer.pace).toBe("low");
});

test("a line that recovers is used again, pace by pace", () => {
  const line = new PlayedLine(new Pacer("stills"));
  line.run(30, 50);
  line.run(60, 800);
  expect(line.steps.slice(2).map((step) => step.split(" ")[1])).toEqual(["low", "full"]);
});

test("tries that fail become rare, and frequent again once one held", () => {
  const line = new PlayedLine(new Pacer("stills"));
  line.run(1800, 160);
  const tries = line.steps.filter((step) => step.endsWith("full"));
  expect(tries.length).toBeLessThanOrEqual(10);
  line.run(300, 800);
  expect(line.pacer.pace).toBe("full");
  line.run(10, 160);
  line.run(25, 800);
  expect(line.pacer.pace).toBe("full");
});

test("one bad second is no reason", () => {
  const line = new PlayedLine(new Pacer("stills"));
  for (let turn = 0; turn < 20; turn++) {
    line.run(8, 800);
    line.run(1, 100);
  }
  expect(line.steps).toEqual([]);
});

test("a new connection is judged anew", () => {
  const pacer = new Pacer("stills");
  const line = new PlayedLine(pacer);
  line.run(4, 50);
  pacer.restart(4000);
  line.run(4, 50);
  expect(pacer.pace).toBe("full");
});
