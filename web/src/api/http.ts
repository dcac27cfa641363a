/** Requests to the service's own origin, and what can come back instead of an answer. */

const PATIENCE_MS = 15_000;

/** The service said no, in problem+json; `status` 0 means that nobody answered. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly body: Readonly<Record<string, unknown>> = {},
    readonly retryAfterMs: number | null = null,
  ) {
    super(`${status} ${code}`);
  }

  /** Nothing was decided: the same request may simply be made again. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, 'unreachable', String(error));
}

let signedOut: () => void = () => undefined;

/** Whoever keeps the session hears when the service no longer knows it. */
export function whenSignedOut(handler: () => void): void {
  signedOut = handler;
}

interface Options {
  readonly body?: unknown;
  readonly form?: FormData;
  readonly keepalive?: boolean;
  readonly signal?: AbortSignal;
  readonly patienceMs?: number;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

async function problemOf(response: Response): Promise<Problem> {
  const body = record(await response.json().catch(() => null));
  const seconds = Number(response.headers.get('Retry-After') ?? NaN);
  return new Problem(
    response.status,
    typeof body['code'] === 'string' ? body['code'] : `http_${response.status}`,
    typeof body['detail'] === 'string' ? body['detail'] : '',
    body,
    Number.isFinite(seconds) ? seconds * 1000 : null,
  );
}

/** One request; its JSON, `null` for an empty answer, or a thrown Problem. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const patience = AbortSignal.timeout(options.patienceMs ?? PATIENCE_MS);
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    cache: 'no-store',
    keepalive: options.keepalive ?? false,
    headers: { Accept: 'application/json' },
    signal: options.signal === undefined ? patience : AbortSignal.any([patience, options.signal]),
  };
  if (options.form !== undefined) init.body = options.form;
  else if (method !== 'GET') {
    init.headers = { ...init.headers, 'Content-Type': 'application/json' };
    init.body = JSON.stringify(options.body ?? {});
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    throw new Problem(0, 'unreachable', error instanceof Error ? error.message : '');
  }
  if (response.status === 401) signedOut();
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return null as T;
  const text = await response.text();
  return (text === '' ? null : JSON.parse(text)) as T;
}

/** `?a=1&b=2` without what is not set. */
export function query(parameters: Readonly<Record<string, string | number | null | undefined>>): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== null && value !== undefined && value !== '') pairs.set(name, String(value));
  const text = pairs.toString();
  return text === '' ? '' : `?${text}`;
}
