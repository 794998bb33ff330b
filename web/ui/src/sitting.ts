// A student's sitting: check, identity, exam, finish, over one pair of streams and one socket.

import { type Refusal, send } from "./api";
import { Backfill } from "./backfill";
import { waitMs } from "./backoff";
import { isProgram } from "./capture";
import { Carried } from "./carried";
import { Checks } from "./checks";
import { Countdown, clockTime } from "./countdown";
import { watchPage } from "./facts";
import { KeyCapture, type KeyBatch } from "./keys";
import { Line, type Word } from "./line";
import { Notices } from "./notices";
import type { BrowserFact } from "./outbox";
import { element, optional, pageData, reveal, write } from "./page";
import type { Pace } from "./pace";
import { Paper } from "./paper";
import type { Route } from "./route";
import { REASONS, wireSentence } from "./sentence";
import { showStep } from "./steps";
import { Streams } from "./streams";
import { Talk } from "./talk";
import { sayFrom } from "./texts";
import { type Tracks, Uplink } from "./uplink";
import { endText, identityText, paceKey } from "./words";

interface PageData {
  sitting: string;
  keys: boolean;
  second_display: boolean;
  ice_servers: RTCIceServer[];
  texts: Record<string, string>;
}

const TICK_MS = 500;
// media that the server stops hearing for this long is offered anew; a new connection over a thin
// line costs more than it mends
const SILENT_MS: Record<Pace, number> = { full: 8000, low: 16_000, stills: 30_000 };
// handing in waits this long for pictures that were kept here
const SEND_REST_MS = 8000;
// and this long for its last facts and keys: after the end none are taken
const TELL_REST_MS = 4000;

class SittingPage {
  private readonly data = pageData<PageData>();
  private readonly path = `/api/sittings/${this.data.sitting}`;
  private readonly say = sayFrom(this.data.texts);
  private readonly notices = new Notices();
  private readonly watching = new AbortController();
  private readonly paper = new Paper(this.data.sitting, element("paper"), this.say, (text) =>
    write(element("save-said"), text),
  );
  private readonly talk = new Talk(this.data.sitting, this.say);
  private readonly connectButton = element<HTMLButtonElement>("connect-button");
  private readonly startButton = element<HTMLButtonElement>("start-button");
  private readonly dialog = element<HTMLDialogElement>("finish-dialog");
  private tracks: Tracks | null = null;
  private streams: Streams | null = null;
  private uplink: Uplink | null = null;
  private line: Line | null = null;
  private readonly carried = new Carried(sessionStorage, this.data.sitting);
  private readonly backfill = new Backfill(this.data.sitting);
  private keys: KeyCapture | null = null;
  /** Present once the exam runs. */
  private countdown: Countdown | null = null;
  private silence: number | undefined;
  private isIdentified = false;
  private hasMedia = false;
  /** When the socket broke; the server's next word on media says whether that broke too. */
  private brokeMs: number | null = null;
  private isOpen = false;
  private hasPaper = false;
  private isPaused = false;
  private isOnBreak = false;
  private pace: Pace = "full";
  private route: Route | null = null;
  private isFinishing = false;
  /** The time is over and the page hands in by itself. */
  private isLate = false;
  private hasEnded = false;

  begin(): void {
    const checks = new Checks(this.data.sitting, this.say, this.data.second_display, (tracks) => {
      if (this.line !== null) return;
      this.tracks = tracks;
      this.connectButton.disabled = tracks === null;
    });
    checks.begin();
    this.connectButton.addEventListener("click", () => void this.connect());
    this.startButton.addEventListener("click", () => void this.start());
    element("challenge-decline").addEventListener("click", () => void this.declineChallenge());
    optional("break-button")?.addEventListener("click", () => void this.takeBreak(true));
    optional("test-open")?.addEventListener("click", () => void this.openTest());
    optional("test-back")?.addEventListener("click", () => void this.leaveTest());
    element("break-end").addEventListener("click", () => void this.takeBreak(false));
    element("fullscreen-button").addEventListener("click", () => void enterFullscreen());
    element("finish-button").addEventListener("click", () => this.askToFinish());
    element("cancel-finish").addEventListener("click", () => this.dialog.close());
    element("confirm-finish").addEventListener("click", () => void this.finish());
    if (optional("sentence-step") !== null) wireSentence(this.say, (batch) => this.sendSentence(batch));
  }

  private async sendSentence(batch: KeyBatch): Promise<string | null> {
    const path = `${this.path}/sentence`;
    const answer = await send<{ reason: string | null }>("POST", path, { batch });
    if (!answer.ok) return reason(answer);
    const unusable = answer.value.reason;
    if (unusable !== null) return this.say(REASONS[unusable] ?? "sentence.again");
    write(element("sentence-hint"), this.say("sentence.taken"));
    return null;
  }

  private async connect(): Promise<void> {
    if (this.tracks === null) return;
    this.connectButton.disabled = true;
    write(element("connect-status"), this.say("check.connecting"));
    const uplink = new Uplink(
      this.data.sitting,
      this.tracks,
      this.data.ice_servers,
      (refused) => this.notices.hold(refused.detail),
      (isQuiet) => (isQuiet ? this.keepHere() : void this.backfill.end()),
      (pace) => this.changePace(pace),
      (route) => this.showRoute(route),
    );
    const answer = await uplink.connect();
    if (!answer.ok) {
      uplink.close();
      write(element("connect-status"), this.say("check.connect_failed", { detail: reason(answer) }));
      this.connectButton.disabled = false;
      return;
    }
    this.uplink = uplink;
    this.open(uplink, this.tracks);
  }

  private open(uplink: Uplink, tracks: Tracks): void {
    this.line = new Line(
      this.data.sitting,
      this.carried,
      () => this.drainKeys(),
      (word) => this.hear(word),
      (isFinal) => this.broke(isFinal),
    );
    this.streams = new Streams(
      tracks,
      this.say,
      this.notices,
      (name) =>
        this.note({
          name: name === "camera" ? "camera_ended" : "screen_ended",
          ms: performance.now(),
          values: {},
        }),
      (name, track) => {
        if (name === "camera") this.noteCamera(track);
        else this.note({ name: "screen_shared", ms: performance.now(), values: {} });
        return uplink.replace(name, track);
      },
    );
    reveal(element("page-tools"), false);
    showStep("identity");
  }

  private hear(word: Word): void {
    switch (word.type) {
      case "hello":
        this.notices.clear();
        this.resume(word);
        break;
      case "identity":
        this.showIdentity(word);
        break;
      case "media":
        this.hearMedia(word.camera && word.screen);
        break;
      case "pace":
        this.showPace(word.kbit_s);
        break;
      case "talk":
        this.talk.show(word.said);
        break;
      case "said":
        this.talk.add(word);
        break;
      case "timing":
        void this.retime(word.state, word.remaining_s);
        break;
      case "break":
        this.showBreak(word.on);
        break;
      case "test":
        showAtTest(word.on);
        break;
      case "ended":
        this.end(endText(word.reason), true);
        break;
      case "ack":
      case "alive":
    }
  }

  private resume(hello: Extract<Word, { type: "hello" }>): void {
    if (hello.ended) {
      this.end(endText(hello.ended), true);
    } else if (hello.remaining_s !== null) {
      void this.retime(hello.state, hello.remaining_s);
      write(element("identity-status"), this.say("exam.running"));
      this.allowStart();
    }
  }

  /** A pause hides the questions and stops the clock; what was written stays. */
  private async retime(state: string, remainingS: number | null): Promise<void> {
    this.isPaused = state === "suspended";
    if (remainingS !== null) this.countFrom(remainingS);
    if (this.isPaused) {
      this.countdown?.hold(performance.now());
      void this.paper.settle();
    }
    reveal(element("paused"), this.isPaused);
    reveal(element("paper"), !this.isPaused && !this.isOnBreak);
    this.tick();
    if (!this.isOpen || this.isPaused || this.hasPaper) return;
    this.hasPaper = (await this.paper.open()) === null;
  }

  private countFrom(remainingS: number): void {
    const now = performance.now();
    if (this.countdown === null) this.countdown = new Countdown(remainingS, now);
    else this.countdown.correct(remainingS, now);
  }

  private showIdentity(word: Extract<Word, { type: "identity" }>): void {
    this.isIdentified = word.state === "verified";
    const status = element("identity-status");
    status.dataset["state"] = word.state;
    const [key, values] = identityText(word);
    if (this.countdown === null) write(status, this.say(key, values));
    const isAsked = word.state === "challenge" && this.countdown === null;
    reveal(element("challenge"), isAsked);
    reveal(element("challenge-left"), isAsked && word.ask === "look_left");
    reveal(element("challenge-right"), isAsked && word.ask === "look_right");
    this.allowStart();
  }

  private async declineChallenge(): Promise<void> {
    const answer = await send("POST", `${this.path}/challenge/decline`);
    if (!answer.ok) write(element("start-status"), reason(answer));
  }

  /** A break hides the questions; its time is the exam's own. */
  private showBreak(isOn: boolean): void {
    this.isOnBreak = isOn;
    reveal(element("on-break"), isOn);
    reveal(element("paper"), !isOn && !this.isPaused);
    const button = optional("break-button");
    if (button !== null) reveal(button, !isOn);
    if (isOn) element("break-end").focus();
  }

  private async takeBreak(begins: boolean): Promise<void> {
    const answer = await send("POST", `${this.path}/break`, { begins });
    if (!answer.ok) this.notices.brief(reason(answer));
  }

  /** The service knows of the visit before the other tab hides this page. */
  private async openTest(): Promise<void> {
    const answer = await send<{ url: string }>("POST", `${this.path}/test`);
    if (!answer.ok) {
      this.notices.brief(reason(answer));
      return;
    }
    const link = element<HTMLAnchorElement>("test-link");
    link.href = answer.value.url;
    link.click();
  }

  private async leaveTest(): Promise<void> {
    await enterFullscreen();
    const answer = await send("POST", `${this.path}/test/return`);
    if (!answer.ok) this.notices.brief(reason(answer));
  }

  private hearMedia(hasMedia: boolean): void {
    this.hasMedia = hasMedia;
    if (hasMedia) void this.backfill.end();
    else this.keepHere();
    window.clearTimeout(this.silence);
    if (!hasMedia && this.streams?.areLive) {
      if (this.brokeMs !== null) this.uplink?.nowUnlessSince(this.brokeMs);
      this.silence = window.setTimeout(() => this.uplink?.again(), SILENT_MS[this.pace]);
    }
    this.brokeMs = null;
    this.allowStart();
  }

  /** A relay is no fault, and nothing follows from it: it is said, and is on record. */
  private showRoute(route: Route | null): void {
    this.route = route;
    write(element("route"), this.say(`check.route.${route ?? "none"}`));
    this.noteRoute();
  }

  private noteRoute(): void {
    if (this.route === null) return;
    const name = this.route === "relay" ? "media_relayed" : "media_direct";
    this.note({ name, ms: performance.now(), values: {} });
  }

  /** A thin line is told, with what it carries, and held against nobody. */
  private changePace(pace: Pace): void {
    this.pace = pace;
    this.line?.tellPace(pace);
    // what was not heard for its sake is waited for anew
    window.clearTimeout(this.silence);
    if (!this.hasMedia) this.hearMedia(false);
    this.backfill.hold(pace !== "full");
    if (pace !== "full") return;
    reveal(element("pace"), false);
    this.notices.brief(this.say(paceKey(pace)));
  }

  private showPace(kbps: number): void {
    if (this.pace === "full") return;
    write(element("pace"), this.say(paceKey(this.pace), { n: kbps }));
    reveal(element("pace"), true);
  }

  /** What the server does not hear of a running exam is kept here until it does. */
  private keepHere(): void {
    const tracks = this.streams?.live;
    if (this.countdown !== null && tracks !== undefined && !this.hasEnded) this.backfill.begin(tracks);
  }

  private allowStart(): void {
    const isReady = this.hasMedia && (this.isIdentified || this.countdown !== null);
    this.startButton.disabled = !isReady || this.isOpen;
  }

  private async start(): Promise<void> {
    this.isOpen = true;
    this.allowStart();
    write(element("start-status"), "");
    await enterFullscreen();
    const failure = (await this.beginExam()) ?? (await this.openPaper());
    if (failure !== null) {
      this.isOpen = false;
      this.allowStart();
      write(element("start-status"), this.say("exam.start_failed", { detail: failure }));
      return;
    }
    if (this.data.keys) this.keys = new KeyCapture(element("paper"));
    showStep("exam");
    watchPage((fact) => this.note(fact), this.watching.signal);
    if (this.streams !== null) this.noteCamera(this.streams.live.camera);
    this.noteRoute();
    this.tick();
    window.setInterval(() => this.tick(), TICK_MS);
  }

  /** Null once the exam runs, else why it does not. */
  private async beginExam(): Promise<string | null> {
    if (this.countdown !== null) return null;
    const answer = await send<{ remaining_s: number }>("POST", `${this.path}/start`);
    if (!answer.ok) return reason(answer);
    this.countFrom(answer.value.remaining_s);
    return null;
  }

  private async openPaper(): Promise<string | null> {
    if (this.isPaused) return null;
    const failure = await this.paper.open();
    this.hasPaper = failure === null;
    return failure;
  }

  private tick(): void {
    if (this.countdown === null || this.hasEnded || !this.isOpen) return;
    const now = performance.now();
    const remaining = this.countdown.remainingS(now);
    write(element("clock"), clockTime(remaining));
    const minutes = this.countdown.spoken(now);
    if (minutes !== null) {
      write(element("clock-said"), this.say("exam.minutes_left", { n: minutes }));
    }
    if (remaining === 0) void this.finishLate();
  }

  private get isTimeOver(): boolean {
    return this.countdown?.remainingS(performance.now()) === 0;
  }

  private note(fact: BrowserFact): void {
    this.line?.note(fact);
    if (fact.name === "focus_gained" || fact.name === "page_shown") {
      this.notices.brief(this.say("notice.focus_lost"));
    }
    if (fact.name === "fullscreen_left") this.notices.brief(this.say("notice.fullscreen_left"));
    reveal(element("fullscreen-button"), document.fullscreenElement === null);
  }

  /** The camera's name may hold a person's: what is sent is only whether it is a program's. */
  private noteCamera(track: MediaStreamTrack): void {
    const name = isProgram(track.label) ? "program_camera" : "device_camera";
    this.note({ name, ms: performance.now(), values: {} });
  }

  private drainKeys(): KeyBatch | null {
    const batch = this.keys?.drain();
    return batch === undefined || batch.events.length === 0 ? null : batch;
  }

  private broke(isFinal: boolean): void {
    if (this.hasEnded) return;
    this.brokeMs ??= performance.now();
    this.keepHere();
    if (isFinal) this.end("ended.elsewhere", false);
    else this.notices.hold(this.say("notice.connection_lost"));
  }

  private askToFinish(): void {
    const n = this.paper.unanswered;
    write(element("finish-unanswered"), n > 0 ? this.say("finish.unanswered", { n }) : "");
    write(element("finish-status"), "");
    this.dialog.showModal();
  }

  private async finish(): Promise<void> {
    if (this.isFinishing || this.hasEnded) return;
    this.isFinishing = true;
    const confirm = element<HTMLButtonElement>("confirm-finish");
    confirm.disabled = true;
    write(element("finish-status"), this.say("finish.working"));
    await Promise.all([this.paper.settle(), this.backfill.settle(SEND_REST_MS)]);
    await this.line?.settle(TELL_REST_MS);
    // after the end what is not saved is lost; before it, it can still be saved
    const mayHandIn = this.isTimeOver || (!this.isLate && this.paper.unsaved === 0);
    const answer = mayHandIn
      ? await send<{ receipt: string }>("POST", `${this.path}/finish`, { late: this.isLate })
      : null;
    this.isFinishing = false;
    confirm.disabled = false;
    if (answer === null) {
      const n = this.paper.unsaved;
      write(element("finish-status"), n > 0 ? this.say("finish.unsaved", { n }) : "");
    } else if (answer.ok) {
      write(element("receipt-hash"), answer.value.receipt);
      reveal(element("finish-receipt"), true);
      this.end("finish.done", true);
    } else {
      write(element("finish-status"), this.say("finish.failed", { detail: reason(answer) }));
    }
  }

  /** The time is over: finish without asking, and keep trying while the server is away. */
  private async finishLate(): Promise<void> {
    if (this.isLate) return;
    this.isLate = true;
    this.paper.close();
    // a proctor's extension may still arrive
    for (let attempt = 0; !this.hasEnded && this.isTimeOver; attempt++) {
      await this.finish();
      await new Promise((resolve) => setTimeout(resolve, waitMs(attempt, Math.random())));
    }
    this.isLate = false;
    if (!this.hasEnded) this.paper.reopen();
  }

  private end(key: string, hasReceipt: boolean): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.watching.abort();
    window.clearTimeout(this.silence);
    this.keys?.detach();
    this.paper.close();
    this.line?.close();
    this.uplink?.close();
    void this.backfill.close();
    this.streams?.close();
    this.notices.clear();
    reveal(element("pace"), false);
    this.talk.close();
    if (this.dialog.open) this.dialog.close();
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    reveal(element("page-tools"), true);
    write(element("finish-text"), this.say(key));
    reveal(element("receipt-link"), hasReceipt);
    showStep("finish");
    void this.tellUnsaved();
  }

  private async tellUnsaved(): Promise<void> {
    await this.paper.settle();
    const n = this.paper.unsaved;
    if (n > 0) write(element("finish-unsaved"), this.say("finish.lost", { n }));
  }
}

/** A refusal is no obstacle: the exam begins, and that the page is windowed is a noted fact. */
async function enterFullscreen(): Promise<void> {
  try {
    await document.documentElement.requestFullscreen();
  } catch {
    return;
  }
}

/** While the student is at the test this page waits for them. */
function showAtTest(isThere: boolean): void {
  for (const id of ["at-test", "test-back"]) {
    const part = optional(id);
    if (part !== null) reveal(part, isThere);
  }
}

function reason(refused: Refusal): string {
  return refused.detail === "" ? String(refused.status) : refused.detail;
}

new SittingPage().begin();
