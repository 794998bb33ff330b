// What is typed while there is no line, kept in the browser until the server has it.

export type Fields = Record<string, string>;

export interface Kept<T> {
  fields: Fields;
  /** What is to be sent as it stands; null while it is still being filled in. */
  sealed: T | null;
}

type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export class Unsent<T> {
  constructor(
    private readonly store: Store,
    private readonly key: string,
  ) {}

  read(): Kept<T> | null {
    const text = this.store.getItem(this.key);
    return text === null ? null : (JSON.parse(text) as Kept<T>);
  }

  keep(fields: Fields, sealed: T | null = null): void {
    this.store.setItem(this.key, JSON.stringify({ fields, sealed }));
  }

  /** Leave nothing behind. */
  clear(): void {
    this.store.removeItem(this.key);
  }
}

/** Whether a refusal is none of what was sent: the line, or a service that is not well. */
export function isWorthAnotherTry(status: number): boolean {
  return status === 0 || status === 429 || status >= 500;
}
