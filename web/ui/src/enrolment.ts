// Enrolment: samples of the face and of typing, taken on a visit before any exam.

import { type Answer, send } from "./api";
import { openCamera } from "./capture";
import { hintKey } from "./hints";
import { KeyCapture } from "./keys";
import { element, optional, pageData, reveal, write } from "./page";
import { enoughKeys, isWithoutKeys, RoundCount, sentencesOf } from "./rounds";
import { REASONS, wireSentence } from "./sentence";
import { sayFrom } from "./texts";

const FRAME_MS = 700;
const LARGEST_PHOTO = 10 * 1024 * 1024;

interface FaceProgress {
  hints: string[];
  accepted: number;
  needed: number;
  done: boolean;
}

interface TypingProgress {
  accepted_keys: number;
  needed_keys: number;
  done: boolean;
  reason: string | null;
}

const { texts } = pageData<{ texts: Record<string, string> }>();
const say = sayFrom(texts);

function wireFace(): void {
  const button = element<HTMLButtonElement>("camera-button");
  reveal(element("insecure"), !window.isSecureContext);
  button.disabled = !window.isSecureContext;
  button.addEventListener("click", () => void enrolFace(button));
  element("photo-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void sendPhoto();
  });
}

async function enrolFace(button: HTMLButtonElement): Promise<void> {
  button.disabled = true;
  const captured = await openCamera();
  if (!captured.ok) {
    write(element("face-hint"), say(captured.key));
    button.disabled = false;
    return;
  }
  const preview = element<HTMLVideoElement>("camera-preview");
  preview.srcObject = new MediaStream([captured.track]);
  await preview.play();
  const failure = await sendFrames(preview, captured.track);
  captured.track.stop();
  preview.srcObject = null;
  button.disabled = false;
  if (failure === null) showDone("face", say("enrolment.face_done"));
  else write(element("face-hint"), failure);
}

/** Send pictures until the server has enough; null then, else the reason why it stopped. */
async function sendFrames(preview: HTMLVideoElement, track: MediaStreamTrack): Promise<string | null> {
  const meter = element<HTMLProgressElement>("face-meter");
  while (track.readyState === "live") {
    const answer = await send<FaceProgress>("POST", "/api/enrolment/face", await picture(preview));
    if (!answer.ok) return failed(answer);
    const { hints, accepted, needed, done } = answer.value;
    reveal(meter, true);
    meter.max = needed;
    meter.value = accepted;
    if (done) return null;
    const progress = say("enrolment.face_progress", { n: accepted, needed });
    write(element("face-hint"), `${say(hintKey(hints))} ${progress}`);
    await new Promise((resolve) => setTimeout(resolve, FRAME_MS));
  }
  return say("notice.camera_lost");
}

async function picture(preview: HTMLVideoElement): Promise<Blob> {
  const canvas = new OffscreenCanvas(preview.videoWidth, preview.videoHeight);
  canvas.getContext("2d")?.drawImage(preview, 0, 0);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}

async function sendPhoto(): Promise<void> {
  const status = element("photo-status");
  const photo = element<HTMLInputElement>("photo-file").files?.[0];
  if (photo === undefined) return;
  if (photo.size > LARGEST_PHOTO) {
    write(status, say("enrolment.photo_file"));
    return;
  }
  const path = "/api/enrolment/id-photo";
  const answer = await send<{ matched: boolean | null; hints: string[] }>("POST", path, photo);
  if (!answer.ok) {
    write(status, failed(answer));
    return;
  }
  const { matched, hints } = answer.value;
  if (hints.length > 0) {
    write(status, `${say(`enrolment.photo_${hintKey(hints)}`)} ${say("enrolment.photo_again")}`);
    return;
  }
  write(status, say(matched === true ? "enrolment.photo_agrees" : "enrolment.photo_pending"));
}

function wireTyping(): void {
  const box = element<HTMLTextAreaElement>("typing-box");
  const sentences = Object.keys(texts)
    .filter((key) => key.startsWith("typing."))
    .sort()
    .map((key) => say(key));
  let round = 0;
  const rounds = new RoundCount();
  let keys = new KeyCapture(box);

  const showRound = (): void => {
    write(element("typing-sentence"), sentencesOf(round, sentences));
    box.value = "";
  };
  const refuse = (event: Event): void => {
    event.preventDefault();
    write(element("typing-hint"), say("enrolment.no_paste"));
  };
  box.addEventListener("paste", refuse);
  box.addEventListener("drop", refuse);
  const hasNoKeys = (): boolean => isWithoutKeys(keys.count, box.value.length);
  box.addEventListener("input", () => {
    if (hasNoKeys()) write(element("typing-hint"), say("enrolment.typing_touch"));
  });
  element("typing-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!enoughKeys(keys.count, sentencesOf(round, sentences))) {
      write(element("typing-hint"), say(hasNoKeys() ? "enrolment.typing_touch" : "enrolment.typing_more"));
      box.focus();
      return;
    }
    keys.detach();
    const finished = keys;
    keys = new KeyCapture(box);
    void sendTyping(finished, round, rounds).then((isTaken) => {
      if (isTaken) round += 1;
      showRound();
      box.focus();
    });
  });
  showRound();
}

/** Whether the server took the round; one it cannot use gives way to the next text as well. */
async function sendTyping(keys: KeyCapture, round: number, rounds: RoundCount): Promise<boolean> {
  const body = { batch: { v: 1, ...keys.drain() }, round };
  const answer = await send<TypingProgress>("POST", "/api/enrolment/typing", body);
  if (!answer.ok) {
    write(element("typing-hint"), failed(answer));
    return false;
  }
  const { accepted_keys, needed_keys, done, reason } = answer.value;
  const meter = element<HTMLProgressElement>("typing-meter");
  meter.max = needed_keys;
  meter.value = Math.min(accepted_keys, needed_keys);
  const progress = say("enrolment.typing_progress", { n: accepted_keys, needed: needed_keys });
  if (reason !== null) write(element("typing-hint"), say(`enrolment.unusable.${reason}`));
  // the server keeps nothing of the first round
  else write(element("typing-hint"), round === 0 ? say("enrolment.typing_practice") : progress);
  if (round > 0) {
    rounds.add(reason === null);
    const { usable, taken } = rounds;
    write(element("typing-usable"), say("enrolment.typing_usable", { usable, taken }));
  }
  if (done) {
    showDone("typing", say("enrolment.typing_done"));
    reveal(element("sentence-step"), true);
  }
  return true;
}

/** The first repetition is practice and stays here. */
function wireRepetitions(): void {
  const { language } = element("sentence-step").dataset;
  let isPractised = false;
  wireSentence(say, async (batch) => {
    if (!isPractised) {
      isPractised = true;
      return say("sentence.practice");
    }
    const answer = await send<TypingProgress>("POST", "/api/enrolment/sentence", { batch, language });
    if (!answer.ok) return failed(answer);
    const { accepted_keys: n, needed_keys: needed, done, reason } = answer.value;
    if (reason !== null) return say(REASONS[reason] ?? "sentence.again");
    if (!done) return say("sentence.progress", { n, needed });
    write(element("sentence-hint"), say("sentence.done"));
    return null;
  });
}

function showDone(sample: "face" | "typing", text: string): void {
  write(element(`${sample}-hint`), text);
  const state = element(`${sample}-state`);
  state.dataset["state"] = "pending";
  write(state, say("enrolment.status.pending"));
}

function failed(answer: Exclude<Answer<unknown>, { ok: true }>): string {
  const detail = answer.detail === "" ? String(answer.status) : answer.detail;
  return say("enrolment.failed", { detail });
}

if (optional("face-step") !== null) wireFace();
if (optional("typing-step") !== null) {
  wireTyping();
  wireRepetitions();
}
