import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import {
  ClockStep,
  CODES_OF_ZONE,
  FLAG_AFTER_PASTE,
  FLAG_COMPOSITION,
  FLAG_LOST_RELEASE,
  FLAG_UNTRUSTED,
  KeyCapture,
  KeyLog,
  zoneOf,
  ZONE_MODIFIER,
  ZONE_OTHER,
} from "./keys";

function strike(log: KeyLog, code: string, time: number, hold = 80): void {
  log.press(code, time, 0);
  log.release(code, time + hold);
}

describe("zoneOf", () => {
  it("names no code twice", () => {
    const codes = CODES_OF_ZONE.flatMap((row) => row.split(" "));
    expect(new Set(codes).size).toBe(codes.length);
  });

  it("puts modifiers and unknown codes outside the typed zones", () => {
    expect(zoneOf("ShiftLeft")).toBe(ZONE_MODIFIER);
    expect(zoneOf("ArrowLeft")).toBe(ZONE_OTHER);
    expect(zoneOf("")).toBe(ZONE_OTHER);
  });

  it("puts the Kazakh letters of the digit row in one zone with the digits", () => {
    expect(["Digit2", "Digit0", "Minus", "Equal"].map(zoneOf)).toEqual([27, 27, 27, 27]);
  });
});

describe("KeyLog", () => {
  it("tells intervals, zones and holds, and nothing else", () => {
    const log = new KeyLog();
    strike(log, "KeyT", 1000);
    strike(log, "KeyH", 1200.04, 95.26);
    expect(log.drain(2000).events).toEqual([
      [0, 9, 80, 0],
      [200, 13, 95.3, 0],
    ]);
  });

  it("keeps the order of presses when keys overlap", () => {
    const log = new KeyLog();
    log.press("KeyT", 1000, 0);
    log.press("KeyH", 1100, 0);
    log.release("KeyT", 1120);
    log.release("KeyH", 1190);
    expect(log.drain(2000).events).toEqual([
      [0, 9, 120, 0],
      [100, 13, 90, 0],
    ]);
  });

  it("holds back a key still down and those after it", () => {
    const log = new KeyLog();
    strike(log, "KeyA", 1000);
    log.press("KeyT", 1200, 0);
    strike(log, "KeyH", 1300);
    expect(log.drain(1400).events).toEqual([[0, 1, 80, 0]]);
    log.release("KeyT", 1450);
    expect(log.drain(1500).events).toEqual([
      [200, 9, 250, 0],
      [100, 13, 80, 0],
    ]);
  });

  it("goes on from the last press after a drain", () => {
    const log = new KeyLog();
    strike(log, "KeyA", 1000);
    log.drain(1100);
    strike(log, "KeyS", 1250);
    expect(log.drain(1400).events).toEqual([[250, 4, 80, 0]]);
  });

  it("marks a release lost when the window loses focus", () => {
    const log = new KeyLog();
    log.press("KeyA", 1000, 0);
    log.loseReleases();
    log.release("KeyA", 1500);
    expect(log.drain(1600).events).toEqual([[0, 1, -1, FLAG_LOST_RELEASE]]);
  });

  it("marks a release lost when the same key goes down again", () => {
    const log = new KeyLog();
    log.press("KeyA", 1000, 0);
    strike(log, "KeyA", 1300);
    expect(log.drain(1400).events).toEqual([
      [0, 1, -1, FLAG_LOST_RELEASE],
      [300, 1, 80, 0],
    ]);
  });

  it("gives up on a release after two seconds", () => {
    const log = new KeyLog();
    log.press("KeyA", 1000, 0);
    expect(log.drain(3000).events).toEqual([]);
    expect(log.drain(3001).events).toEqual([[0, 1, -1, FLAG_LOST_RELEASE]]);
  });

  it("marks only the first press after a paste", () => {
    const log = new KeyLog();
    log.paste();
    strike(log, "KeyA", 1000);
    strike(log, "KeyS", 1200);
    expect(log.drain(1400).events.map((event) => event[3])).toEqual([FLAG_AFTER_PASTE, 0]);
  });

  it("counts presses of a keyboard that edit text", () => {
    const log = new KeyLog();
    strike(log, "KeyA", 1000);
    strike(log, "ShiftLeft", 1200);
    log.press("KeyS", 1300, FLAG_UNTRUSTED);
    strike(log, "Backspace", 1500);
    expect(log.count).toBe(2);
  });
});

describe("KeyLog after the machine slept", () => {
  it("does not know how long the key was down", () => {
    const log = new KeyLog();
    log.press("KeyT", 1000, 0);
    log.release("KeyT", 40_000_000);
    strike(log, "KeyH", 40_000_300);
    expect(log.drain(40_000_400).events).toEqual([
      [0, 9, -1, FLAG_LOST_RELEASE],
      [39_999_300, 13, 80, 0],
    ]);
  });
});

describe("KeyCapture", () => {
  type Heard = Map<string, (event: object) => void>;

  class Field {
    constructor(readonly type: string) {}
  }

  const heard = (): [Heard, { addEventListener: Heard["set"] }] => {
    const by: Heard = new Map();
    return [by, { addEventListener: (type, listen) => by.set(type, listen) }];
  };
  const [onRoot, root] = heard();
  const [onWindow, page] = heard();
  const text = new Field("text");
  let now = 0;

  const press = (code: string, more: object = {}): void => {
    now += 200;
    const event = { code, timeStamp: now, repeat: false, isTrusted: true, isComposing: false };
    onRoot.get("keydown")?.({ ...event, target: text, ...more });
  };
  const release = (code: string): void => onWindow.get("keyup")?.({ code, timeStamp: now + 80 });
  const strike = (code: string, more: object = {}): void => {
    press(code, more);
    release(code);
  };
  const capture = (): KeyCapture => new KeyCapture(root as unknown as HTMLElement);
  const zonesAndFlags = (by: KeyCapture): number[][] =>
    by.drain().events.map(([, zone, , flags]) => [zone, flags]);

  beforeEach(() => {
    vi.stubGlobal("window", page);
    vi.stubGlobal("HTMLInputElement", Field);
    vi.stubGlobal("performance", { now: () => now + 100 });
  });
  afterEach(() => vi.unstubAllGlobals());

  it("hears nothing of a password, and what follows it as what follows a pause", () => {
    const typing = capture();
    strike("KeyT");
    for (const code of ["KeyP", "KeyA", "KeyS"]) strike(code, { target: new Field("password") });
    strike("KeyH");
    expect(typing.count).toBe(2);
    expect(typing.drain().events).toEqual([
      [0, 9, 80, 0],
      [800, 13, 80, 0],
    ]);
  });

  it("takes a key that the keyboard repeats for one press", () => {
    const typing = capture();
    press("KeyT");
    press("KeyT", { repeat: true });
    press("KeyT", { repeat: true });
    release("KeyT");
    expect(typing.drain().events).toEqual([[0, 9, 480, 0]]);
  });

  it("marks what a script pressed and does not count it", () => {
    const typing = capture();
    strike("KeyT", { isTrusted: false });
    expect(zonesAndFlags(typing)).toEqual([[9, FLAG_UNTRUSTED]]);
    expect(typing.count).toBe(0);
  });

  it("marks what an input method composes, and a touch keyboard's keys without a code", () => {
    const typing = capture();
    strike("KeyT", { isComposing: true });
    strike("");
    expect(zonesAndFlags(typing)).toEqual([
      [9, FLAG_COMPOSITION],
      [ZONE_OTHER, FLAG_COMPOSITION],
    ]);
  });

  it.each(["paste", "drop"])("marks the press after a %s, and no other", (how) => {
    const typing = capture();
    strike("KeyT");
    onRoot.get(how)?.({});
    strike("KeyH");
    strike("KeyT");
    expect(zonesAndFlags(typing)).toEqual([
      [9, 0],
      [13, FLAG_AFTER_PASTE],
      [9, 0],
    ]);
  });

  it("loses the releases of keys held while the window goes, not of those an element loses", () => {
    const typing = capture();
    press("KeyT");
    onWindow.get("blur")?.({ target: text });
    release("KeyT");
    press("KeyH");
    onWindow.get("blur")?.({ target: page });
    release("KeyH");
    expect(typing.drain().events.map(([, , hold]) => hold)).toEqual([80, -1]);
  });
});

describe("ClockStep", () => {
  // spacings of a person: never the same, never under 40 ms
  const spacings = Array.from({ length: 60 }, (_, i) => 41 + ((i * 37) % 83));

  function stepOf(grid: number): number | null {
    const clock = new ClockStep();
    let time = 0;
    for (const spacing of spacings) {
      time += spacing;
      clock.see(Math.floor(time / grid) * grid);
    }
    return clock.ms;
  }

  it("is at most a millisecond or two for a fine clock and a slow typist", () => {
    expect(stepOf(0.1)).toBe(1);
  });

  it("is the frame of a clock that ticks with the screen", () => {
    expect(stepOf(1000 / 60)).toBeGreaterThanOrEqual(16);
    expect(stepOf(1000 / 60)).toBeLessThanOrEqual(17);
  });

  it("is the step of a clock that hides", () => {
    expect(stepOf(100)).toBe(100);
  });

  it("is unknown until twenty spacings were seen", () => {
    const clock = new ClockStep();
    for (let i = 0; i < 20; i += 1) clock.see(i * 53.5);
    expect(clock.ms).toBeNull();
  });
});
