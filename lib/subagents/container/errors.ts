import { errorMessage } from '../../errors.js';
import { Refusal, type RefusalKind } from '../../rpc/protocol/refusal.js';

/** No container engine responds. */
export class NoEngineError extends Error {
  override readonly name = 'NoEngineError';

  /** @param chosen the socket of the engine, if it has responded before */
  constructor(sockets: readonly string[], chosen: string | undefined) {
    super(
      chosen === undefined
        ? `no container engine at ${sockets.join(', ')}: start Docker or Podman (systemctl start podman.socket), or give its socket with --engine`
        : `the container engine at ${chosen} does not respond: restart it`,
    );
  }
}

/** A failure that the engine reported. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  /** The HTTP status of the response, or the one that Docker has for the failure. */
  readonly status: number;

  constructor(status: number, message: string, cause: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

interface DockerodeError extends Error {
  statusCode?: number;
  json?: { message?: string; cause?: string } | null;
  code?: string;
}

/** The errors of connect(2), and of a socket that the engine has closed. */
const UNREACHABLE = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EACCES']);

/** Whether a call failed because no engine can be reached. */
export const isUnreachable = (error: unknown): boolean => {
  const { statusCode, code } = error as DockerodeError;
  return statusCode === undefined && code !== undefined && UNREACHABLE.has(code);
};

const NOT_FOUND = 404;
const CONFLICT = 409;

/** The statuses that Docker has for failures for which Podman often responds 500, by Podman's `cause`. */
const STATUS_OF_CAUSE: ReadonlyMap<string, number> = new Map([
  // It was removed while this request, or a list, read it.
  ['no such container', NOT_FOUND],
  ['image not known', NOT_FOUND],
  ['layer not known', NOT_FOUND],
  ['container state improper', CONFLICT],
  ['that name is already in use', CONFLICT],
]);

/** Whether the engine lacks what the call was about, or has just lost it. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof EngineError && error.status === NOT_FOUND;

/** Whether the state of the container, or something of the same name, forbade what the call was about. */
export const isConflict = (error: unknown): boolean =>
  error instanceof EngineError && error.status === CONFLICT;

/** Whether the engine failed, or lost what it was reading, and the request was not to blame. */
export const isFault = (error: unknown): boolean =>
  error instanceof EngineError && (error.status >= 500 || isNotFound(error));

/**
 * Converts an error of dockerode to an `EngineError` with the engine's own message; returns other errors unchanged.
 * For a response without JSON, it strips the prefix that docker-modem 5 puts before the message.
 */
export const explainEngineError = (error: unknown): unknown => {
  const { statusCode, json } = error as DockerodeError;
  if (statusCode === undefined) return error;
  const message = json?.message ?? errorMessage(error).replace(/^\(HTTP code \d+\) [^-]*- /, '');
  const status = STATUS_OF_CAUSE.get(json?.cause ?? '') ?? statusCode;
  return new EngineError(status, message.trim(), error);
};

/**
 * How registries and OCI runtimes report a caller's mistake. Engines pass these texts on without an error code: Podman
 * 4.3 responds 500, or reports them in the stream of a response with status 200.
 */
const MISTAKES: readonly [RegExp, RefusalKind][] = [
  [/manifest unknown|name unknown|repository does not exist|access to the resource is denied/i, 'not_found'],
  [
    /executable file not found|exec: "[^"]*": (stat .*: no such file|is a directory|permission denied)/i,
    'invalid',
  ],
  [/address already in use|port is already allocated/i, 'conflict'],
  [/no space left on device|disk quota exceeded/i, 'no_space'],
];

const KINDS: ReadonlyMap<number, RefusalKind> = new Map([
  [400, 'invalid'],
  [CONFLICT, 'conflict'],
]);

/** Converts an engine's error to a `Refusal` when it reports a mistake in what the caller asked for; returns others unchanged. */
const toRefusal = (error: unknown): unknown => {
  const message = errorMessage(error);
  const [, kind] = MISTAKES.find(([words]) => words.test(message)) ?? [];
  const known = kind ?? (error instanceof EngineError ? KINDS.get(error.status) : undefined);
  return known && !(error instanceof Refusal) ? new Refusal(known, message, { cause: error }) : error;
};

/** Runs `work`, and throws a `Refusal` when the engine reports a caller's mistake. */
export const refusingMistakes = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw toRefusal(error);
  }
};
