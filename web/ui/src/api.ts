// The one way to the server: every answer is either a value or a refusal, never an exception.

export interface Refusal {
  ok: false;
  /** HTTP status, 0 when the server could not be reached. */
  status: number;
  /** Catalogue key of the reason, "" when the server gave none. */
  key: string;
  /** The reason in the visitor's language, "" when the server gave none. */
  detail: string;
}

export type Answer<T> = { ok: true; value: T } | Refusal;

type Method = "GET" | "POST" | "PUT";

export async function send<T>(method: Method, path: string, body?: unknown): Promise<Answer<T>> {
  const response = await reach(method, path, body);
  if (response === null) return UNREACHED;
  if (!response.ok) return refusal(response);
  const value: unknown = response.status === NOTHING ? null : await response.json();
  return { ok: true, value: value as T };
}

/** A page fragment as the server rendered it. */
export async function fragment(path: string): Promise<Answer<string>> {
  const response = await reach("GET", path);
  if (response === null) return UNREACHED;
  if (!response.ok || response.redirected) return refusal(response);
  return { ok: true, value: await response.text() };
}

/** The status of an answer without a body. */
const NOTHING = 204;
// a line that went away without a word would hold what is asked for until the browser gives up
const LONGEST_GET_MS = 60_000;
const UNREACHED: Refusal = { ok: false, status: 0, key: "", detail: "" };

async function reach(method: Method, path: string, body?: unknown): Promise<Response | null> {
  const init: RequestInit = { method, credentials: "same-origin", cache: "no-store" };
  if (method === "GET") init.signal = AbortSignal.timeout(LONGEST_GET_MS);
  if (body instanceof Blob) {
    init.body = body;
  } else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  try {
    return await fetch(path, init);
  } catch {
    return null;
  }
}

async function refusal(response: Response): Promise<Refusal> {
  const refused: Refusal = { ok: false, status: response.status, key: "", detail: "" };
  if (!response.headers.get("content-type")?.includes("json")) return refused;
  const problem = (await response.json()) as { key?: string; title?: string };
  return { ...refused, key: problem.key ?? "", detail: problem.title ?? "" };
}
