// Where a moment of a sitting lies on the timeline, and how its time is written.

export interface Span {
  startS: number;
  endS: number;
}

/** Share of the span at which a moment lies, held to [0, 1]. */
export function shareAt(span: Span, atS: number): number {
  const length = span.endS - span.startS;
  if (length <= 0) return 0;
  return Math.min(1, Math.max(0, (atS - span.startS) / length));
}

const STEPS_S = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600] as const;

/** Round moments to label, in at most `most` steps. */
export function ticks(span: Span, most: number): number[] {
  const length = span.endS - span.startS;
  const step = STEPS_S.find((candidate) => length / candidate <= most) ?? STEPS_S.at(-1) ?? 3600;
  const found: number[] = [];
  for (let at = Math.ceil(span.startS / step) * step; at <= span.endS; at += step) {
    found.push(at === 0 ? 0 : at);
  }
  return found;
}

/** 65 s as 1:05, an hour as 1:00:00; negative before the exam began. The server writes it alike. */
export function clockText(atS: number): string {
  const sign = atS < 0 ? "−" : "";
  const whole = Math.trunc(Math.abs(atS));
  const pad = (part: number): string => String(part).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.trunc(whole / 3600), Math.trunc(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${sign}${hours}:${pad(minutes)}:${pad(seconds)}` : `${sign}${minutes}:${pad(seconds)}`;
}
