// What the server says about a sitting, as catalogue keys and their values.

import { hintKey } from "./hints";
import type { Pace } from "./pace";

export interface IdentityWord {
  state: string;
  hint: string | null;
  attempts_left: number;
  /** What to do now while the state is `challenge`; null is to look ahead. */
  ask?: string | null;
  step?: number;
  steps?: number;
}

/** The sentence for the identity check, with its values. */
export function identityText(word: IdentityWord): [string, Record<string, number>] {
  switch (word.state) {
    case "verified":
      return ["id.face_ok", {}];
    case "failed":
      return ["id.face_fail", { n: word.attempts_left }];
    case "manual":
      return ["id.manual_wait", {}];
    case "challenge":
      return [`challenge.${word.ask ?? "ahead"}`, { n: word.step ?? 1, of: word.steps ?? 1 }];
    default:
      return [word.hint === null ? "id.looking" : hintKey([word.hint]), {}];
  }
}

const PACE: Record<Pace, string> = {
  full: "notice.pace.full",
  low: "notice.pace.low",
  stills: "notice.pace.stills",
};

export function paceKey(pace: Pace): string {
  return PACE[pace];
}

const END: Record<string, string> = {
  student_finished: "finish.done",
  time_over: "ended.deadline",
  ended_by_proctors: "ended.by_proctors",
  moved_on_site: "ended.on_site",
};

export function endText(reason: string): string {
  return END[reason] ?? "ended.other";
}
