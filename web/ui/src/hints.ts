// What the server saw in a camera picture, as the one sentence that helps most.

// the first that applies is said: a covered camera explains all the others
const ORDER = [
  "covered",
  "no_face",
  "many_faces",
  "dark",
  "too_small",
  "cut_off",
  "turned",
  "tilted",
  "too_bright",
  "uneven_light",
  "little_light",
  "blurred",
  "other_face",
  "same_picture",
  "not_assessed",
] as const;

/** Catalogue key for *hints*; unknown names count as a picture that could not be checked. */
export function hintKey(hints: readonly string[]): string {
  if (hints.length === 0) return "hint.good";
  const first = ORDER.find((name) => hints.includes(name));
  return `hint.${first ?? "not_assessed"}`;
}
