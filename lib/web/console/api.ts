import { MistifyError } from '../../client/errors.js';
import type { AccessInfo } from '../../model/principal.js';
import { nextLink } from '../../portable/next-link.js';
import { setMayDownload, setReadOnly, token } from './session.js';
import { sentence } from './words.js';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface JsonResponse<Body> {
  body: Body;
  headers: Headers;
}

let notifyUnauthorized = (): void => {};
let notifyAccess = (): void => {};
/** Whether the agent has accepted any request of this page. */
let isAdmitted = false;

/** Calls the listener whenever the agent responds with 401. */
export const onUnauthorized = (listener: () => void): void => {
  notifyUnauthorized = listener;
};

/** Calls the listener once it is known whether the page may make changes. */
export const onAccess = (listener: () => void): void => {
  notifyAccess = listener;
};

const messageOf = async (response: Response): Promise<string> => {
  try {
    return ((await response.json()) as { message: string }).message;
  } catch {
    return response.statusText;
  }
};

const errorOf = async (response: Response): Promise<MistifyError> => {
  const message = sentence(await messageOf(response));
  const { status } = response;
  return new MistifyError(status, status === 429 ? `${message} Wait a moment and try again.` : message);
};

const report = ({ status }: MistifyError): void => {
  if (status === 401) notifyUnauthorized();
  // The agent lets this page read, so what it forbids takes another right.
  if (status === 403 && isAdmitted) {
    void readAccess();
  }
};

/** What a request sends beside its path. */
interface RequestParts {
  /** Sent as JSON. */
  body?: unknown;
  /** A file of the user, sent as it is. */
  upload?: Blob;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/**
 * Sends a request and returns the response, whose body is unread.
 * @throws {MistifyError} with status 0 when the agent cannot be reached
 */
export const sendRequest = async (
  method: Method,
  path: string,
  { body, upload, headers, signal }: RequestParts = {},
): Promise<Response> => {
  const value = token();
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      cache: 'no-store',
      headers: {
        // A misspelt key must be an error, not ignored.
        Prefer: 'handling=strict',
        ...headers,
        ...(value === undefined ? {} : { Authorization: `Bearer ${value}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(upload ? { body: upload } : {}),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    throw new MistifyError(0, signal?.aborted ? String(error) : 'The agent cannot be reached.');
  }
  if (response.ok) {
    isAdmitted = true;
    return response;
  }
  const error = await errorOf(response);
  report(error);
  throw error;
};

const requestJson = async <Body>(
  method: Method,
  path: string,
  body?: unknown,
): Promise<JsonResponse<Body>> => {
  const response = await sendRequest(method, path, body === undefined ? {} : { body });
  return { body: (await response.json()) as Body, headers: response.headers };
};

export const get = async <Body>(path: string): Promise<Body> => (await requestJson<Body>('GET', path)).body;

export const patch = async <Body>(path: string, body: unknown): Promise<Body> =>
  (await requestJson<Body>('PATCH', path, body)).body;

/** The rights that change nothing. */
const READING: readonly string[] = ['metrics', 'look', 'content'];

/** Reads whether the page may make changes; its token may have been replaced by one with other rights. */
export const readAccess = async (): Promise<void> => {
  const { grants } = await get<AccessInfo>('/access');
  const can = new Set(grants.flatMap((grant) => grant.can));
  setReadOnly([...can].every((verb) => READING.includes(verb)));
  setMayDownload(can.has('content'));
  notifyAccess();
};

/** Sends a request that queues a job. */
export const submit = async <Body>(
  method: 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<{ jobId: string; body: Body }> => {
  const response = await requestJson<Body>(method, path, body);
  return { jobId: response.headers.get('X-Guest-Job-ID') ?? '', body: response.body };
};

/**
 * Yields a list page by page, so that the first page can be drawn before the last has arrived.
 * @param query selects items, or with `fields` the keys to read of each, separated by commas
 */
export async function* pages<Item>(
  path: string,
  limit: number,
  query: Readonly<Record<string, string>> = {},
): AsyncGenerator<Item[], void, undefined> {
  let next: string | undefined = `${path}?${new URLSearchParams({ limit: String(limit), ...query })}`;
  while (next !== undefined) {
    const response: JsonResponse<Item[]> = await requestJson('GET', next);
    yield response.body;
    next = nextLink(response.headers.get('Link'));
  }
}

export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));
