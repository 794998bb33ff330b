// The socket of a sitting: batches go up, the server's word comes down, breaks are mended.

import { waitMs } from "./backoff";
import type { Carried } from "./carried";
import type { KeyBatch } from "./keys";
import { type BrowserFact, type Batch, Outbox } from "./outbox";
import type { Pace } from "./pace";
import { Silence } from "./silence";
import type { Said } from "./talk";
import type { IdentityWord } from "./words";

export type Word =
  | {
      type: "hello";
      nonce: string;
      state: string;
      remaining_s: number | null;
      last_seq: number;
      /** Why the exam ended, null while it has not. */
      ended: string | null;
    }
  | { type: "ack"; seq: number }
  | { type: "alive" }
  | ({ type: "identity" } & IdentityWord)
  | { type: "media"; camera: boolean; screen: boolean }
  | { type: "pace"; kbit_s: number }
  | { type: "talk"; said: Said[] }
  | ({ type: "said" } & Said)
  | { type: "timing"; state: string; remaining_s: number | null }
  | { type: "break"; on: boolean }
  | { type: "test"; on: boolean }
  | { type: "ended"; reason: string };

const BATCH_MS = 2000;
// a socket whose other end is gone without a word is given up within two seconds
const ALIVE_MS = 900;
const SILENT_MS = 1700;
const LOOK_MS = 250;
// the server closes with this when the sitting is not, or no longer, this sign-in's
const NOT_YOURS = 4404;

export class Line {
  private readonly outbox: Outbox;
  private readonly leaving = new AbortController();
  private readonly ticking: number;
  private readonly looking: number;
  private socket: WebSocket | null = null;
  private nonce: string | null = null;
  private attempt = 0;
  private readonly silence = new Silence(LOOK_MS, performance.now());
  private askedMs = 0;
  private isClosed = false;
  private pace: Pace = "full";

  constructor(
    private readonly sitting: string,
    private readonly carried: Carried,
    private readonly drainKeys: () => KeyBatch | null,
    private readonly onWord: (word: Word) => void,
    private readonly onBreak: (isFinal: boolean) => void,
  ) {
    this.outbox = new Outbox(carried.take());
    window.addEventListener("pagehide", () => this.leave(), { signal: this.leaving.signal });
    this.ticking = window.setInterval(() => this.flush(), BATCH_MS);
    this.looking = window.setInterval(() => this.look(), LOOK_MS);
    this.open();
  }

  /** Send a browser fact at once. */
  note(fact: BrowserFact): void {
    this.outbox.note(fact);
    this.flush();
  }

  /** Tell how much is sent from now on; every new socket is told again. */
  tellPace(pace: Pace): void {
    this.pace = pace;
    this.say({ type: "pace", pace });
  }

  flush(): void {
    if (!this.outbox.isOpen) return;
    const keys = this.drainKeys();
    // an empty batch is a sign of life, useless while nobody listens
    const isWorthIt = this.nonce !== null || keys !== null || this.outbox.hasNoted;
    if (isWorthIt) this.transmit(this.outbox.seal(keys, performance.now()));
  }

  /** Send what is left, and wait until the server has it, at most *ms*. */
  settle(ms: number): Promise<void> {
    this.flush();
    return this.outbox.emptied(ms);
  }

  close(): void {
    this.isClosed = true;
    window.clearInterval(this.ticking);
    window.clearInterval(this.looking);
    this.leaving.abort();
    this.socket?.close();
  }

  /** The page goes, to be reloaded perhaps: what the server does not have waits in the tab. */
  private leave(): void {
    this.flush();
    this.carried.leave(this.outbox.unsent);
  }

  private open(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/sittings/${this.sitting}/socket`);
    this.socket = socket;
    this.silence.hear(performance.now());
    socket.onmessage = (event) => this.hear(JSON.parse(String(event.data)) as Word);
    socket.onclose = (event) => this.broke(event.code);
  }

  /** Ask whether the server is there, and give up a socket that does not answer. */
  private look(): void {
    const now = performance.now();
    const silentMs = this.silence.look(now);
    if (this.nonce === null || this.socket === null) return;
    if (silentMs > SILENT_MS) {
      const socket = this.socket;
      socket.onclose = socket.onmessage = null;
      socket.close();
      this.broke(0);
    } else if (now - this.askedMs >= ALIVE_MS) {
      this.askedMs = now;
      this.say({ type: "alive" });
    }
  }

  private hear(word: Word): void {
    this.silence.hear(performance.now());
    if (word.type === "hello") {
      this.nonce = word.nonce;
      this.attempt = 0;
      this.say({ type: "pace", pace: this.pace });
      for (const batch of this.outbox.resume(word.last_seq)) this.transmit(batch);
    }
    if (word.type === "ack") this.outbox.acknowledge(word.seq);
    this.onWord(word);
  }

  private broke(code: number): void {
    this.nonce = null;
    if (this.isClosed) return;
    this.onBreak(code === NOT_YOURS);
    if (code === NOT_YOURS) {
      this.close();
      return;
    }
    window.setTimeout(() => {
      if (!this.isClosed) this.open();
    }, waitMs(this.attempt++, Math.random()));
  }

  private transmit(batch: Batch): void {
    this.say({ type: "batch", now_ms: performance.now(), ...batch });
  }

  private say(message: object): void {
    if (this.nonce === null || this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify({ nonce: this.nonce, ...message }));
  }
}
