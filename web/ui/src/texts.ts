// Sentences of the catalogue that the server put into the page, in the visitor's language.

export type Say = (key: string, values?: Record<string, string | number>) => string;

export function sayFrom(texts: Record<string, string>): Say {
  return (key, values = {}) => {
    const text = texts[key];
    if (text === undefined) throw new Error(`no text for ${key}`);
    return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
  };
}
