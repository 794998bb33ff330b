// A socket that only listens, connected again after every break.

import { waitMs } from "./backoff";

// the server closes with this when there is nothing here for the visitor, or no longer
const NOT_YOURS = 4404;

export interface Ear {
  open(): void;
  text(message: unknown): void;
  bytes(data: ArrayBuffer): void;
  /** ``isFinal``: the socket will not be opened again. */
  broke(isFinal: boolean): void;
}

export class Feed {
  private socket: WebSocket | null = null;
  private attempt = 0;

  constructor(
    private readonly path: string,
    private readonly ear: Ear,
  ) {
    this.open();
  }

  say(message: unknown): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private open(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.attempt = 0;
      this.ear.open();
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => {
      if (typeof event.data === "string") this.ear.text(JSON.parse(event.data));
      else this.ear.bytes(event.data);
    };
    socket.onclose = (event) => this.broke(event.code === NOT_YOURS);
    this.socket = socket;
  }

  private broke(isFinal: boolean): void {
    this.ear.broke(isFinal);
    if (!isFinal) window.setTimeout(() => this.open(), waitMs(this.attempt++, Math.random()));
  }
}
