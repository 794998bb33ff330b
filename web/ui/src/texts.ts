// Sentences of the catalogue that the server put into the page, in the visitor's language.

export type Say = (key: string, values?: Record<string, string | number>) => string;

export function sayFrom(texts: Record<string, string>): Say {
  return (key, values = {}) => {
    const text = texts[key];
    if (text === undefined) throw new Error(`no text for ${key}`);
    return text.replace(/\{(\w+)(?::([^}]*))?\}/g, (_, name: string, forms?: string) => {
      const value = String(values[name] ?? "");
      return forms === undefined ? value : formOf(Number(value), forms.split("|"));
    });
  };
}

/** Of two forms, one and several, that of n; of three, as Russian has them. */
function formOf(n: number, forms: string[]): string {
  let at = n === 1 ? 0 : 1;
  if (forms.length === 3) {
    const few = n % 10 >= 2 && n % 10 <= 4 && !(n % 100 >= 12 && n % 100 <= 14);
    at = n % 10 === 1 && n % 100 !== 11 ? 0 : few ? 1 : 2;
  }
  return forms[at] ?? "";
}
