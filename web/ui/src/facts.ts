// What the browser can say about the page during an exam, as facts with a time.

import { hasSecondMonitor } from "./capture";
import { KeylessText } from "./keyless";
import type { BrowserFact, FactName } from "./outbox";

/** Tell *tell* every fact until *signal* aborts. */
export function watchPage(tell: (fact: BrowserFact) => void, signal: AbortSignal): void {
  const fact = (name: FactName, ms: number, values: Record<string, number> = {}): void =>
    tell({ name, ms, values });
  const on = (target: EventTarget, type: string, listen: (event: Event) => void): void =>
    target.addEventListener(type, listen, { signal, capture: true });

  on(document, "visibilitychange", (e) =>
    fact(document.hidden ? "page_hidden" : "page_shown", e.timeStamp),
  );
  on(document, "fullscreenchange", (e) =>
    fact(document.fullscreenElement ? "fullscreen_entered" : "fullscreen_left", e.timeStamp),
  );
  // focus and blur of elements pass here too; only the window's own count
  on(window, "blur", (e) => e.target === window && fact("focus_lost", e.timeStamp));
  on(window, "focus", (e) => e.target === window && fact("focus_gained", e.timeStamp));
  on(document, "paste", (e) => fact("paste", e.timeStamp, { chars: pastedChars(e) }));
  const keyless = new KeylessText();
  on(document, "keydown", () => keyless.press());
  on(document, "compositionstart", () => keyless.compose());
  on(document, "input", (e) => {
    const { inputType, data } = e as InputEvent;
    const chars = keyless.enter(inputType ?? "", data?.length ?? 0);
    if (chars > 0) fact("inserted", e.timeStamp, { chars });
  });
  on(document, "copy", (e) => fact("copy", e.timeStamp, { chars: selectedChars() }));
  on(screen as unknown as EventTarget, "change", (e) => {
    if (hasSecondMonitor()) fact("second_monitor", e.timeStamp);
  });
  if (hasSecondMonitor()) fact("second_monitor", performance.now());
  if (document.fullscreenElement === null) fact("fullscreen_left", performance.now());
}

function pastedChars(event: Event): number {
  return (event as ClipboardEvent).clipboardData?.getData("text/plain").length ?? 0;
}

function selectedChars(): number {
  return String(document.getSelection()).length;
}
