/**
 * Every error the agent makes itself, by what kind of thing went wrong. Nothing here knows HTTP:
 * `lib/server/errors.ts` turns a kind into a status.
 */
export type ErrorKind =
  | 'invalid' // the request makes no sense, whatever the state of the host
  | 'not_found' // what it names is not there
  | 'conflict' // what it asks is at odds with the state of things
  | 'precondition_failed' // it is no longer what the client has seen
  | 'queue_full' // the guest has too many actions waiting
  | 'bad_answer' // a sub-agent answered nonsense, or an error of its own
  | 'unavailable' // a sub-agent is down, or the agent is stopping
  | 'timeout' // a sub-agent did not answer in time
  | 'disk_full' // there is no room to write it down
  | 'storage'; // the state could not be written, for another reason

export class AgentError extends Error {
  readonly kind: ErrorKind;
  /** Seconds after which it is worth trying again. */
  readonly retryAfter: number | undefined;

  constructor(kind: ErrorKind, message: string, options: { cause?: unknown; retryAfter?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AgentError';
    this.kind = kind;
    this.retryAfter = options.retryAfter;
  }
}

export const invalid = (message: string): AgentError => new AgentError('invalid', message);

export const guestNotFound = (id: string): AgentError =>
  new AgentError('not_found', `guest ${id}: not found`);

export const jobNotFound = (id: string): AgentError => new AgentError('not_found', `job ${id}: not found`);

export const jobEnded = (id: string, status: string): AgentError =>
  new AgentError('conflict', `job ${id} has already ended: its status is ${status}`);

export const imageNotFound = (id: string): AgentError =>
  new AgentError('not_found', `there is no image ${id} on this host: fetch it with POST /images`);

export const imageInUse = (id: string, guests: readonly string[]): AgentError =>
  new AgentError(
    'conflict',
    `image ${id} is in use by these guests, delete them first: ${guests.join(', ')}`,
  );

export const keyReused = (): AgentError =>
  new AgentError(
    'conflict',
    'this idempotency key was used for another request: a new request needs a new key',
  );

export const profileNotFound = (name: string, known: readonly string[]): AgentError =>
  new AgentError('not_found', `profile ${name}: not found; there are ${known.join(', ')}`);

export const notConfigured = (action: string): AgentError =>
  new AgentError('not_found', `${action}: Not configured`);

export const guestExists = (id: string): AgentError =>
  new AgentError('conflict', `guest ${id} exists already: choose another id or leave it out`);

export const queueFull = (runner: string, limit: number): AgentError =>
  new AgentError(
    'queue_full',
    `${runner} has ${limit} actions waiting already: try again when some are done`,
    {
      retryAfter: 5,
    },
  );

export const consolesFull = (guest: string, limit: number): AgentError =>
  new AgentError('queue_full', `guest ${guest} has ${limit} consoles open already: close one of them`, {
    retryAfter: 5,
  });

export const stopping = (): AgentError =>
  new AgentError('unavailable', 'the agent is stopping and takes no new actions', { retryAfter: 10 });

/** @param why what is missing, in words */
export const notReady = (why: string): AgentError =>
  new AgentError('unavailable', `not ready: ${why}`, { retryAfter: 2 });

/** Nobody is left to read it. */
export const callerGone = (): AgentError => new AgentError('unavailable', 'the caller went away');

export const badAnswer = (service: string, what: string): AgentError =>
  new AgentError('bad_answer', `${service}: ${what}`);

export const serviceDown = (service: string, where: string, reason: string): AgentError =>
  new AgentError('unavailable', `${service}: cannot be reached on ${where} (${reason})`, { retryAfter: 2 });

export const serviceTimeout = (service: string, method: string, seconds: number): AgentError =>
  new AgentError('timeout', `${service}: no answer to ${method} within ${seconds} s`);

/** A sub-agent reported a failure of its own. */
export const serviceFailed = (service: string, message: string): AgentError =>
  new AgentError('bad_answer', `${service}: ${message.trim() || 'failed without saying why'}`);

const unwritten = (error: unknown, sayWith: (why: string) => string): AgentError => {
  const { code, message } = error as NodeJS.ErrnoException;
  return isErrno(error, 'ENOSPC', 'EDQUOT')
    ? new AgentError('disk_full', sayWith("the disk of the agent's state is full"), { cause: error })
    : new AgentError('storage', sayWith(`the agent's state could not be written (${code ?? message})`), {
        cause: error,
      });
};

/** Nothing is left of a guest whose create has failed. */
export const notCreated = (id: string): AgentError =>
  new AgentError(
    'conflict',
    `guest ${id} could not be created, which its create job tells of: delete it, then create it again`,
  );

/** The agent's own state could not be written. Nothing of it was changed. */
export const storageFailed = (error: unknown): AgentError =>
  unwritten(error, (why) => `${why}: nothing was changed`);

export const isStorageFailure = (error: unknown): error is AgentError =>
  error instanceof AgentError && (error.kind === 'disk_full' || error.kind === 'storage');

/** An action that the failed write has ended: what its sub-agents have done by then is done. */
export const brokenOff = ({ cause }: AgentError): AgentError =>
  unwritten(cause, (why) => `broken off on the way: ${why}`);

/** A job's end that is not on disk, which is tried until it is. */
export const endUnwritten = (id: string, { cause }: AgentError): AgentError =>
  unwritten(
    cause,
    (why) => `job ${id} has ended, but its status does not tell so yet: ${why}; it is tried again`,
  );

/** Tells whether an error carries one of these codes of errno(3) or of Node.js, such as `ENOENT`. */
export const isErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

export const errorMessage = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
