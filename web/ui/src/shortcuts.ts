// What a key does on the review page.

export type Action =
  | { name: "toggle" | "save" }
  | { name: "skip" | "step"; direction: 1 | -1 }
  | { name: "choose"; key: "A" | "D" | "U" }
  | { name: "reason"; number: number };

const KEYS: Record<string, Action> = {
  Space: { name: "toggle" },
  KeyK: { name: "toggle" },
  KeyJ: { name: "skip", direction: -1 },
  KeyL: { name: "skip", direction: 1 },
  KeyN: { name: "step", direction: 1 },
  KeyP: { name: "step", direction: -1 },
  KeyA: { name: "choose", key: "A" },
  KeyD: { name: "choose", key: "D" },
  KeyU: { name: "choose", key: "U" },
  Digit1: { name: "reason", number: 1 },
  Digit2: { name: "reason", number: 2 },
  Digit3: { name: "reason", number: 3 },
  Digit4: { name: "reason", number: 4 },
  KeyS: { name: "save" },
};

/** By the place of the key, whatever the layout; Space keeps its own meaning on what it presses. */
export function actionOf(code: string, onControl: boolean): Action | null {
  if (onControl && code === "Space") return null;
  return KEYS[code] ?? null;
}
