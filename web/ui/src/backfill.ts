// What the server missed while it was away: encoded here, kept in the browser's own files, sent later.

import { send } from "./api";
import { canEncode, pageMs, TrackEncoder } from "./encoder";
import { expired, type Group, nextBatch, type Picture, type TrackName, wire } from "./groups";
import type { Tracks } from "./uplink";

const RETRY_MS = 5000;

export class Backfill {
  private readonly groups = new Map<Group, File>();
  private readonly directory: Promise<FileSystemDirectoryHandle | null>;
  private encoders: TrackEncoder[] = [];
  private saving: Promise<void> = Promise.resolve();
  private sending: Promise<void> | null = null;
  private isClosed = false;
  /** A thin line is for the pictures of now. */
  private isHeld = false;

  constructor(private readonly sitting: string) {
    this.directory = this.open();
  }

  /** Keep what *tracks* show from now on. */
  begin(tracks: Tracks): void {
    if (this.isClosed || this.encoders.length > 0 || !canEncode()) return;
    this.encoders = (["camera", "screen"] as const)
      .filter((name) => tracks[name].readyState === "live")
      .map((name) => new TrackEncoder(name, tracks[name], (of, pictures) => this.keep(of, pictures)));
  }

  /** Send nothing of what is kept, or what there is now. */
  hold(isHeld: boolean): void {
    this.isHeld = isHeld;
    if (!isHeld && this.encoders.length === 0) void this.end();
  }

  /** The server hears both tracks again: stop, and send what it missed. */
  async end(): Promise<void> {
    const encoders = this.encoders;
    this.encoders = [];
    await Promise.all(encoders.map((each) => each.stop()));
    await this.saving;
    this.sending ??= this.send().finally(() => (this.sending = null));
    await this.sending;
  }

  /** Wait until all is sent, for a bounded time: the exam is being handed in. */
  async settle(limitMs: number): Promise<void> {
    await Promise.race([this.end(), new Promise((resolve) => window.setTimeout(resolve, limitMs))]);
  }

  /** The exam is over: nothing is kept any more. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.encoders.map((each) => each.stop()));
    await this.saving;
    for (const group of [...this.groups.keys()]) await this.forget(group);
  }

  private async open(): Promise<FileSystemDirectoryHandle | null> {
    try {
      const root = await navigator.storage.getDirectory();
      const kept = await root.getDirectoryHandle("backfill", { create: true });
      const own = await kept.getDirectoryHandle(this.sitting, { create: true });
      await this.find(own);
      return own;
    } catch {
      return null;
    }
  }

  /** What an earlier load of the page left. */
  private async find(own: FileSystemDirectoryHandle): Promise<void> {
    for await (const [name, handle] of own.entries()) {
      const [track, from, until] = name.split("_");
      if (handle.kind !== "file" || (track !== "camera" && track !== "screen")) continue;
      const file = await (handle as FileSystemFileHandle).getFile();
      const group = { track, fromMs: Number(from), untilMs: Number(until), bytes: file.size } as const;
      this.groups.set(group, file);
    }
  }

  private keep(track: TrackName, pictures: Picture[]): void {
    const data = wire(pictures);
    const [first, last] = [pictures[0], pictures.at(-1)];
    if (first === undefined || last === undefined) return;
    const group = { track, fromMs: first.atMs, untilMs: last.atMs, bytes: data.length };
    this.saving = this.saving.then(() => this.save(group, data));
  }

  private async save(group: Group, data: Uint8Array<ArrayBuffer>): Promise<void> {
    const directory = await this.directory;
    if (directory === null) return;
    try {
      const handle = await directory.getFileHandle(nameOf(group), { create: true });
      const file = await handle.createWritable();
      await file.write(data);
      await file.close();
      this.groups.set(group, await handle.getFile());
    } catch {
      // no room for it: what is kept already is sent all the same
      return;
    }
    for (const old of expired([...this.groups.keys()], pageMs())) await this.forget(old);
  }

  private async send(): Promise<void> {
    while (!this.isClosed && !this.isHeld) {
      const batch = nextBatch([...this.groups.keys()]);
      const first = batch[0];
      if (first === undefined) return;
      const body = new Blob(batch.flatMap((group) => this.groups.get(group) ?? []));
      const path = `/api/sittings/${this.sitting}/backfill/${first.track}?now_ms=${pageMs()}`;
      const answer = await send<{ pictures: number }>("POST", path, body);
      if (!answer.ok && (answer.status === 0 || answer.status >= 500)) {
        await new Promise((resolve) => window.setTimeout(resolve, RETRY_MS));
        // the server went away again: the next end sends the rest
        if (this.encoders.length > 0) return;
        continue;
      }
      for (const group of batch) await this.forget(group);
    }
  }

  private async forget(group: Group): Promise<void> {
    this.groups.delete(group);
    await (await this.directory)?.removeEntry(nameOf(group)).catch(() => undefined);
  }
}

function nameOf(group: Group): string {
  return `${group.track}_${group.fromMs}_${group.untilMs}`;
}
