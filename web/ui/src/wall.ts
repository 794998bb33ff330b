// The live wall: a tile for each sitting under way, those who need somebody first.

import "./wall.css";

import { Feed } from "./feed";
import { element, pageData, reveal, write } from "./page";
import { sayFrom } from "./texts";
import { NO_NEED, type Tile, isStale, neighbour, order, shown } from "./tiles";

interface PageData {
  most: number;
  texts: Record<string, string>;
}

const ID_LENGTH = 32;
const TRACKS = ["camera", "screen"] as const;
const TICK_MS = 1000;
const KEPT = "wall";

class WallPage {
  private readonly data = pageData<PageData>();
  private readonly say = sayFrom(this.data.texts);
  private readonly list = element("tiles");
  private readonly template = element<HTMLTemplateElement>("tile");
  private readonly exam = element<HTMLSelectElement>("filter-exam");
  private readonly which = element<HTMLSelectElement>("filter-which");
  private readonly pictures = element<HTMLSelectElement>("pictures");
  private readonly names = element<HTMLInputElement>("show-names");
  private readonly boxes = new Map<string, HTMLElement>();
  private tiles: Tile[] = [];
  private watching = "";
  private readonly feed = new Feed("/proctor/wall/socket", {
    open: () => this.watch(true),
    text: (message) => this.hear(message as { tiles: Tile[] }),
    bytes: (data) => this.picture(data),
    broke: () => write(element("wall-status"), this.say("wall.connecting")),
  });

  begin(): void {
    element("wall-tools").addEventListener("submit", (event) => event.preventDefault());
    this.recall();
    for (const field of [this.exam, this.which, this.pictures, this.names]) {
      field.addEventListener("change", () => {
        this.keep();
        this.draw();
      });
    }
    this.list.addEventListener("keydown", (event) => this.move(event));
    this.list.addEventListener("mouseleave", () => this.draw());
    window.setInterval(() => this.age(), TICK_MS);
  }

  /** As this tab had it before another page; whether names are shown is asked anew. */
  private recall(): void {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") as Record<string, string>;
    const exam = kept["exam"] ?? "";
    if (exam !== "") this.exam.add(new Option(exam, exam));
    this.exam.value = exam;
    this.which.value = kept["which"] ?? "all";
    this.pictures.value = kept["pictures"] ?? "both";
  }

  private keep(): void {
    const chosen = { exam: this.exam.value, which: this.which.value, pictures: this.pictures.value };
    sessionStorage.setItem(KEPT, JSON.stringify(chosen));
  }

  private hear(message: { tiles: Tile[] }): void {
    this.tiles = message.tiles;
    this.offerExams();
    this.draw();
  }

  private offerExams(): void {
    const known = new Set([...this.exam.options].map((option) => option.value));
    for (const title of new Set(this.tiles.map((tile) => tile.exam))) {
      if (!known.has(title)) this.exam.add(new Option(title, title));
    }
  }

  private draw(): void {
    this.list.dataset["pictures"] = this.pictures.value;
    const filter = { exam: this.exam.value, which: this.which.value };
    const tiles = new Map(shown(this.tiles, filter, this.data.most).map((tile) => [tile.id, tile]));
    for (const [id, box] of this.boxes) {
      if (!tiles.has(id)) {
        box.remove();
        this.boxes.delete(id);
      }
    }
    const isHeld = this.list.matches(":hover, :focus-within");
    const ids = order([...this.boxes.keys()], [...tiles.keys()], isHeld);
    const boxes = ids.map((id) => [id, this.boxes.get(id) ?? this.made()] as const);
    this.boxes.clear();
    boxes.forEach(([id, box], place) => {
      this.boxes.set(id, box);
      if (this.list.children[place] !== box) this.list.insertBefore(box, this.list.children[place] ?? null);
      this.fill(box, tiles.get(id) as Tile);
    });
    const needing = this.tiles.filter((tile) => tile.need < NO_NEED).length;
    write(
      element("wall-status"),
      this.say("wall.count", { shown: tiles.size, n: this.tiles.length, needing }),
    );
    this.watch(false);
  }

  private watch(isNew: boolean): void {
    const ids = [...this.boxes.keys()];
    const tracks = TRACKS.filter((track) => ["both", track].includes(this.pictures.value));
    const watching = JSON.stringify({ watch: ids, tracks });
    if (!isNew && this.watching === watching) return;
    this.watching = watching;
    this.feed.say({ watch: ids, tracks });
  }

  private made(): HTMLElement {
    const copy = this.template.content.cloneNode(true) as DocumentFragment;
    return copy.firstElementChild as HTMLElement;
  }

  private fill(box: HTMLElement, tile: Tile): void {
    const part = (name: string): HTMLElement => box.querySelector(name) as HTMLElement;
    const name = this.names.checked ? tile.name : this.say("wall.student", { n: tile.number });
    box.dataset["need"] = String(tile.need);
    box.dataset["open"] = String(tile.is_open);
    part("a").setAttribute("href", `/proctor/sittings/${tile.id}`);
    write(part(".tile-name"), name);
    write(part(".tile-reason"), tile.reason);
    const isUsual = tile.state === "running" && tile.minutes !== null;
    const state = isUsual ? [] : [this.say(`wall.state.${tile.state}`)];
    const left = tile.minutes === null ? [] : [this.say("wall.left", { n: tile.minutes })];
    write(part(".tile-state"), [...state, ...left].join(", "));
    write(part(".tile-net"), this.network(tile));
    part(".tile-net").dataset["pace"] = tile.camera && tile.screen ? tile.pace : "";
    write(part(".tile-incident"), tile.incident ?? "");
    if (!tile.camera) {
      reveal(part(".tile-camera img"), false);
      reveal(part(".tile-none"), true);
    }
    if (!tile.screen) reveal(part(".tile-screen img"), false);
  }

  private network(tile: Tile): string {
    const said = this.connection(tile);
    // it helps to know of a bad line, many of them at once above all, and says nothing of a good one
    const isGood = tile.camera && tile.screen && tile.pace === "ok";
    return tile.relayed && !isGood ? `${said}, ${this.say("wall.net.relay")}` : said;
  }

  private connection(tile: Tile): string {
    if (!tile.camera && !tile.screen) return this.say("wall.net.none");
    if (!tile.camera) return this.say("wall.net.no_camera");
    if (!tile.screen) return this.say("wall.net.no_screen");
    return this.say(`wall.net.${tile.pace}`, { n: tile.kbit_s ?? 0 });
  }

  private picture(data: ArrayBuffer): void {
    const id = new TextDecoder().decode(new Uint8Array(data, 0, ID_LENGTH));
    const track = TRACKS[new Uint8Array(data)[ID_LENGTH] ?? 0];
    const box = this.boxes.get(id);
    const image = box?.querySelector<HTMLImageElement>(`.tile-${track} img`);
    if (box === undefined || image === null || image === undefined) return;
    const before = image.src;
    const jpeg = new Uint8Array(data, ID_LENGTH + 1);
    image.src = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
    if (before !== "") URL.revokeObjectURL(before);
    image.dataset["at"] = String(Math.round(performance.now()));
    reveal(image, true);
    if (track === "camera") reveal(box.querySelector(".tile-none") as HTMLElement, false);
  }

  /** Say of every picture that nothing new followed how old it is. */
  private age(): void {
    const paces = new Map(this.tiles.map((tile) => [tile.id, tile.pace]));
    for (const [id, box] of this.boxes) {
      for (const track of TRACKS) {
        const image = box.querySelector(`.tile-${track} img`) as HTMLImageElement;
        const ageS = (performance.now() - Number(image.dataset["at"])) / 1000;
        const old = box.querySelector(`.tile-${track} .tile-age`) as HTMLElement;
        const isOld = !image.hidden && isStale(ageS, paces.get(id) ?? "ok");
        if (isOld) write(old, this.say("wall.age", { n: Math.floor(ageS) }));
        reveal(old, isOld);
      }
    }
  }

  private move(event: KeyboardEvent): void {
    const links = [...this.list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement as HTMLAnchorElement);
    if (at < 0 || !event.key.startsWith("Arrow")) return;
    const top = links[at]?.getBoundingClientRect().top;
    const columns = links.filter((link) => link.getBoundingClientRect().top === top).length;
    event.preventDefault();
    links[neighbour(at, event.key, columns, links.length)]?.focus();
  }
}

new WallPage().begin();
