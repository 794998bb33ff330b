// Elements and data that the server rendered into the page.

export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
}

export function optional<T extends HTMLElement>(id: string): T | null {
  return document.getElementById(id) as T | null;
}

export function pageData<T>(): T {
  return JSON.parse(element("page-data").textContent) as T;
}

/** Change a text only when it differs, so that a screen reader does not repeat it. */
export function write(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

export function reveal(target: HTMLElement, visible: boolean): void {
  if (target.hidden === visible) target.hidden = !visible;
}
