// Which sittings a wall shows, and in which order.

export interface Tile {
  id: string;
  name: string;
  number: string;
  exam: string;
  state: string;
  /** 0 is the most pressing; NO_NEED is none. */
  need: number;
  reason: string;
  minutes: number | null;
  camera: boolean;
  screen: boolean;
  kbit_s: number | null;
  /** `ok`, or what a thin line lets through: `low`, `stills`. */
  pace: string;
  /** Whether the pictures come, or came last, through the relay. */
  relayed: boolean;
  incident: string | null;
  is_open: boolean;
}

export interface Filter {
  /** Title of an exam, "" for all. */
  exam: string;
  which: string;
}

export const NO_NEED = 7;

/** The first *most* of those the filter lets through, in the server's order. */
export function shown(tiles: Tile[], filter: Filter, most: number): Tile[] {
  return tiles
    .filter((tile) => filter.exam === "" || tile.exam === filter.exam)
    .filter((tile) => {
      if (filter.which === "need") return tile.need < NO_NEED;
      if (filter.which === "running") return tile.state === "running";
      return filter.which !== "waiting" || tile.state === "checking";
    })
    .slice(0, most);
}

/** The order on the page: while it must not move, what is new goes to the end. */
export function order(now: string[], wanted: string[], isHeld: boolean): string[] {
  if (!isHeld) return wanted;
  const staying = now.filter((id) => wanted.includes(id));
  return [...staying, ...wanted.filter((id) => !now.includes(id))];
}

/** The tile an arrow key leads to, in rows of *columns*. */
export function neighbour(at: number, key: string, columns: number, count: number): number {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key] ?? 0;
  const next = at + step;
  return next < 0 || next >= count ? at : next;
}

/** Whether a picture that came *ageS* ago is older than the line explains: what it shows may be over. */
export function isStale(ageS: number, pace: string): boolean {
  return ageS > (pace === "stills" ? 25 : 8);
}
