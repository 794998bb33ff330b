// Key presses as timings of zones. Neither `key` nor `code` nor text leaves this module.

/** Codes of each zone; the index is the zone's number on the wire, as in keystroke/zones.py. */
export const CODES_OF_ZONE: readonly string[] = [
  "KeyQ",
  "KeyA",
  "KeyZ",
  "KeyW",
  "KeyS",
  "KeyX",
  "KeyE",
  "KeyD",
  "KeyC",
  "KeyR KeyT",
  "KeyF KeyG",
  "KeyV KeyB",
  "KeyY KeyU",
  "KeyH KeyJ",
  "KeyN KeyM",
  "KeyI",
  "KeyK",
  "Comma",
  "KeyO",
  "KeyL",
  "Period",
  "KeyP BracketLeft BracketRight",
  "Semicolon Quote",
  "Slash",
  "Space",
  "Backspace",
  "Enter NumpadEnter",
  "Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal",
  "Backquote Backslash IntlBackslash IntlRo IntlYen",
  "ShiftLeft ShiftRight ControlLeft ControlRight AltLeft AltRight MetaLeft MetaRight CapsLock",
];

export const ZONE_MODIFIER = 29;
export const ZONE_OTHER = 30;

export const FLAG_LOST_RELEASE = 2;
export const FLAG_UNTRUSTED = 4;
export const FLAG_AFTER_PASTE = 8;
export const FLAG_COMPOSITION = 16;

/** `[dt_ms, zone, hold_ms | -1, flags]` */
export type WireEvent = [number, number, number, number];

export interface KeyBatch {
  clock_step_ms: number | null;
  events: WireEvent[];
}

const ZONE_OF_CODE: ReadonlyMap<string, number> = new Map(
  CODES_OF_ZONE.flatMap((codes, zone) =>
    codes.split(" ").map((code): [string, number] => [code, zone]),
  ),
);

export function zoneOf(code: string): number {
  return ZONE_OF_CODE.get(code) ?? ZONE_OTHER;
}

// a tenth of a millisecond is the finest step browsers give pages that are not isolated
const tenth = (ms: number): number => Math.round(ms * 10) / 10;

/**
 * Step of the clock behind event times, from how finely the spacings between them differ.
 *
 * Spacings of a coarse clock are whole steps; those of a fine one fall anywhere. Below one
 * millisecond is told as one. Null until there are enough spacings to tell.
 */
export class ClockStep {
  private readonly spacings = new Set<number>();
  private last: number | null = null;
  private seen = 0;
  private step: number | null = null;

  see(time: number): void {
    const spacing = this.last === null ? 0 : Math.abs(time - this.last);
    this.last = time;
    if (spacing < 0.05 || spacing > 1000) return;
    this.seen += 1;
    const rounded = Math.max(1, Math.round(spacing));
    if (this.spacings.has(rounded)) return;
    for (const other of [0, ...this.spacings]) {
      const apart = Math.abs(rounded - other);
      this.step = this.step === null ? apart : Math.min(this.step, apart);
    }
    this.spacings.add(rounded);
  }

  get ms(): number | null {
    return this.seen < 20 ? null : this.step;
  }
}

interface Press {
  code: string;
  dt: number;
  time: number;
  hold: number | null;
  flags: number;
}

// a key down for longer has lost its release, or is no longer typing
const LONGEST_WAIT_MS = 2000;

/** Presses in order, paired with their releases; knows nothing of the DOM. */
export class KeyLog {
  readonly clock = new ClockStep();
  count = 0;
  private presses: Press[] = [];
  private readonly down = new Map<string, Press>();
  private lastPress: number | null = null;
  private pasted = false;

  press(code: string, time: number, flags: number): void {
    if (!(flags & FLAG_UNTRUSTED)) {
      this.clock.see(time);
      if (zoneOf(code) < ZONE_MODIFIER) this.count += 1;
    }
    this.lose(code);
    const press: Press = {
      code,
      dt: this.lastPress === null ? 0 : Math.max(0, time - this.lastPress),
      time,
      hold: null,
      flags: flags | (this.pasted ? FLAG_AFTER_PASTE : 0),
    };
    this.pasted = false;
    this.lastPress = time;
    this.presses.push(press);
    this.down.set(code, press);
  }

  release(code: string, time: number): void {
    const press = this.down.get(code);
    if (press === undefined) return;
    if (!(press.flags & FLAG_UNTRUSTED)) this.clock.see(time);
    // the machine slept in between
    if (time - press.time > LONGEST_WAIT_MS) return this.lose(code);
    press.hold = Math.max(0, time - press.time);
    this.down.delete(code);
  }

  paste(): void {
    this.pasted = true;
  }

  /** The releases of keys still down will not be seen. */
  loseReleases(): void {
    for (const code of [...this.down.keys()]) this.lose(code);
  }

  /** Presses whose release is settled; a key still down holds back those after it. */
  drain(now: number): KeyBatch {
    for (const [code, press] of this.down) {
      if (now - press.time > LONGEST_WAIT_MS) this.lose(code);
    }
    const held = this.presses.findIndex((press) => this.down.get(press.code) === press);
    const settled = this.presses.splice(0, held === -1 ? this.presses.length : held);
    return {
      clock_step_ms: this.clock.ms,
      events: settled.map((press) => [
        tenth(press.dt),
        zoneOf(press.code),
        press.hold === null ? -1 : tenth(press.hold),
        press.flags,
      ]),
    };
  }

  private lose(code: string): void {
    const press = this.down.get(code);
    if (press === undefined) return;
    press.flags |= FLAG_LOST_RELEASE;
    this.down.delete(code);
  }
}

function isSecret(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && target.type === "password";
}

/** Listens to the typing inside an element, passwords left out, until `detach`. */
export class KeyCapture {
  private readonly log = new KeyLog();
  private readonly listening = new AbortController();

  constructor(root: HTMLElement) {
    const options = { capture: true, passive: true, signal: this.listening.signal };
    root.addEventListener("keydown", (event) => this.onPress(event), options);
    // a release may land outside the element that had the press
    window.addEventListener("keyup", (e) => this.log.release(e.code, e.timeStamp), options);
    window.addEventListener("blur", (e) => this.onBlur(e), options);
    root.addEventListener("paste", () => this.log.paste(), options);
    root.addEventListener("drop", () => this.log.paste(), options);
  }

  /** Presses that edit text, made by a keyboard, since the start. */
  get count(): number {
    return this.log.count;
  }

  drain(): KeyBatch {
    return this.log.drain(performance.now());
  }

  detach(): void {
    this.listening.abort();
  }

  private onPress(event: KeyboardEvent): void {
    if (event.repeat || isSecret(event.target)) return;
    const untrusted = event.isTrusted ? 0 : FLAG_UNTRUSTED;
    const composing = event.isComposing || event.code === "" ? FLAG_COMPOSITION : 0;
    this.log.press(event.code, event.timeStamp, untrusted | composing);
  }

  private onBlur(event: FocusEvent): void {
    // capture also hears elements lose focus; only the window's own blur loses releases
    if (event.target === window) this.log.loseReleases();
  }
}
