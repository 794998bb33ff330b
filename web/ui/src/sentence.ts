// The sentence that everybody types, at enrolment and before an exam: one box, typed without a slip.

import type { KeyBatch } from "./keys";
import { KeyCapture } from "./keys";
import { element, write } from "./page";
import type { Say } from "./texts";

// the last letter may still be down when Enter sends the sentence
const RELEASE_MS = 250;

/** What the server says of a repetition it cannot use. */
export const REASONS: Readonly<Record<string, string>> = {
  coarse_clock: "sentence.coarse_clock",
  lost_keys: "sentence.lost_keys",
  not_the_sentence: "sentence.again",
};

/** Whether *typed* is the *sentence*; capitals and spaces at the ends do not matter. */
export function isSentence(typed: string, sentence: string): boolean {
  const plain = (text: string): string => text.trim().toLocaleLowerCase();
  return plain(typed) === plain(sentence);
}

/** Gives *take* each repetition; what it answers is shown, and null ends the typing. */
export function wireSentence(say: Say, take: (batch: KeyBatch) => Promise<string | null>): void {
  const sentence = element("sentence-text").textContent.trim();
  const form = element<HTMLFormElement>("sentence-form");
  const box = element<HTMLInputElement>("sentence-box");
  const hint = element("sentence-hint");
  const button = element<HTMLButtonElement>("sentence-send");
  let keys = new KeyCapture(box);

  const refuse = (event: Event): void => {
    event.preventDefault();
    write(hint, say("enrolment.no_paste"));
  };
  box.addEventListener("paste", refuse);
  box.addEventListener("drop", refuse);
  box.addEventListener("input", () => {
    // an emptied box is a new attempt
    if (box.value !== "") return;
    keys.detach();
    keys = new KeyCapture(box);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!button.disabled) void send();
  });

  const send = async (): Promise<void> => {
    button.disabled = true;
    const typed = box.value;
    await new Promise((resolve) => setTimeout(resolve, RELEASE_MS));
    const batch = { v: 1, ...keys.drain() };
    keys.detach();
    box.value = "";
    const answer = isSentence(typed, sentence) ? await take(batch) : say("sentence.again");
    if (answer === null) {
      form.hidden = true;
      return;
    }
    write(hint, answer);
    keys = new KeyCapture(box);
    button.disabled = false;
    box.focus();
  };
}
