import { noteReadOnly, token } from './session.js';

/** What the agent said was wrong; its status is 0 when there was no answer. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Answer<Body> {
  body: Body;
  headers: Headers;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

let onUnauthorized = (_message: string): void => {};
let onReadOnly = (): void => {};

/** Is told when the agent wants to know who it is talking to, with what the agent said. */
export const whenUnauthorized = (listener: (message: string) => void): void => {
  onUnauthorized = listener;
};

/** Is told when a request needs more than the token's scope. */
export const whenReadOnly = (listener: () => void): void => {
  onReadOnly = listener;
};

const messageOf = async (response: Response): Promise<string> => {
  try {
    return ((await response.json()) as { message: string }).message;
  } catch {
    return response.statusText;
  }
};

/** Of refusals: the others are about where a request comes from. */
const isAboutScope = (status: number, message: string): boolean => status === 403 && /scope/i.test(message);

const explain = (status: number, message: string): string => {
  if (isAboutScope(status, message))
    return 'Your token may only look: this takes one of a wider scope, such as operate.';
  if (status === 403) return `You may not do this: ${message}.`;
  if (status === 429) return `${message}. Wait a moment and try again.`;
  return message;
};

/** @throws {ApiError} */
export const open = async (
  method: Method,
  path: string,
  { body, headers, signal }: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> => {
  const value = token();
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      cache: 'no-store',
      headers: { ...headers, ...(value === undefined ? {} : { Authorization: `Bearer ${value}` }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    throw new ApiError(0, signal?.aborted ? String(error) : 'The agent cannot be reached.');
  }
  if (response.ok) return response;
  const message = await messageOf(response);
  if (response.status === 401) onUnauthorized(message);
  if (isAboutScope(response.status, message)) {
    noteReadOnly();
    onReadOnly();
  }
  throw new ApiError(response.status, explain(response.status, message));
};

const ask = async <Body>(method: Method, path: string, body?: unknown): Promise<Answer<Body>> => {
  const response = await open(method, path, body === undefined ? {} : { body });
  return { body: (await response.json()) as Body, headers: response.headers };
};

export const get = async <Body>(path: string): Promise<Body> => (await ask<Body>('GET', path)).body;

export const patch = async <Body>(path: string, body: unknown): Promise<Body> =>
  (await ask<Body>('PATCH', path, body)).body;

/** Asks for something that queues a job. */
export const submit = async <Body>(
  method: 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<{ jobId: string; body: Body }> => {
  const answer = await ask<Body>(method, path, body);
  return { jobId: answer.headers.get('X-Guest-Job-ID') ?? '', body: answer.body };
};

const NEXT = /<([^>]*)>\s*;\s*rel="next"/;

/** A list page by page: what there is of it can be shown at once. */
export async function* pages<Item>(path: string, limit: number): AsyncGenerator<Item[], void, undefined> {
  let next: string | undefined = `${path}?limit=${limit}`;
  while (next !== undefined) {
    const answer: Answer<Item[]> = await ask('GET', next);
    yield answer.body;
    next = NEXT.exec(answer.headers.get('Link') ?? '')?.[1];
  }
}

/** A part of a path. */
export const path = (strings: TemplateStringsArray, ...values: string[]): string =>
  String.raw({ raw: strings }, ...values.map(encodeURIComponent));

export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));
