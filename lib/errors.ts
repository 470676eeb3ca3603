/**
 * Classifies every error that the agent itself raises. Nothing here knows HTTP: `lib/server/errors.ts` gives each kind
 * its status. Job logs store these names.
 */
export type ErrorKind =
  | 'invalid' // the request is wrong, whatever the state of the host
  | 'forbidden' // the client has not the right
  | 'not_found' // the request names something that does not exist
  | 'conflict' // the current state does not permit the request
  | 'past_end' // a download is to go on where nothing is left
  | 'precondition_failed' // the target has changed since the client read it
  | 'queue_full' // the guest has too many requests waiting
  | 'bad_answer' // a sub-agent sent an invalid response, or failed by itself
  | 'unavailable' // a sub-agent is down, or the agent is stopping
  | 'timeout' // a sub-agent did not respond in time
  | 'no_space' // the storage of images, disks or containers has no room
  | 'disk_full' // the disk has no room for the agent's state
  | 'storage'; // the agent's state could not be written for another reason

export class AgentError extends Error {
  readonly kind: ErrorKind;
  /** Seconds after which a retry may succeed. */
  readonly retryAfter: number | undefined;

  constructor(kind: ErrorKind, message: string, options: { cause?: unknown; retryAfter?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AgentError';
    this.kind = kind;
    this.retryAfter = options.retryAfter;
  }
}

/** A refusal for want of a right. */
export class Forbidden extends AgentError {
  /** The right that the client lacks. */
  readonly missing: string;

  constructor(missing: string, message: string) {
    super('forbidden', message);
    this.missing = missing;
  }
}

export const invalid = (message: string): AgentError => new AgentError('invalid', message);

export const guestNotFound = (id: string): AgentError =>
  new AgentError('not_found', `guest ${id}: not found`);

export const jobNotFound = (id: string): AgentError => new AgentError('not_found', `job ${id}: not found`);

export const jobEnded = (id: string, status: string): AgentError =>
  new AgentError('conflict', `job ${id} has already ended: its status is ${status}`);

export const backupNotFound = (id: string): AgentError =>
  new AgentError('not_found', `backup ${id}: not found`);

export const imageNotFound = (id: string): AgentError =>
  new AgentError('not_found', `image ${id} is not on this host: fetch it first`);

export const imageInUse = (id: string, guests: readonly string[]): AgentError =>
  new AgentError('conflict', `image ${id} is in use: delete these guests first: ${guests.join(', ')}`);

export const imageInDrive = (id: string, guests: readonly string[]): AgentError =>
  new AgentError(
    'conflict',
    `image ${id} is in a CD drive of these guests: ${guests.join(', ')}: eject it first`,
  );

export const volumeNotFound = (name: string): AgentError =>
  new AgentError('not_found', `volume ${name} is not on this host: create it first`);

export const volumeInUse = (name: string, guests: readonly string[]): AgentError =>
  new AgentError('conflict', `volume ${name} is in use: delete these guests first: ${guests.join(', ')}`);

export const keyReused = (): AgentError =>
  new AgentError(
    'conflict',
    'this idempotency key belongs to a different request: send a new request with a new key',
  );

export const profileNotFound = (name: string, known: readonly string[]): AgentError =>
  new AgentError('not_found', `profile ${name}: not found; choose from ${known.join(', ')}`);

export const notConfigured = (action: string): AgentError =>
  new AgentError('not_found', `${action}: Not configured`);

export const guestExists = (id: string): AgentError =>
  new AgentError('conflict', `guest ${id} already exists: choose another id or leave it out`);

/** @param state of the guest that has the name */
export const nameTaken = (name: string, { id, state }: { id: string; state?: string }): AgentError =>
  new AgentError(
    'conflict',
    state === 'error'
      ? `guest ${id}, which could not be created, has the name "${name}": delete it, create it again by its id, or choose another name`
      : `guest ${id} has the name "${name}": choose another, or rename that guest`,
  );

export const nicTaken = (
  nic: number,
  what: 'MAC' | 'address',
  value: string,
  network: string,
  id: string,
): AgentError =>
  new AgentError(
    'conflict',
    `NIC ${nic}: guest ${id} has the ${what} ${value} on network ${network}: choose another`,
  );

/** @param port names it, such as `port 80/tcp` */
export const portTaken = (port: string, id: string): AgentError =>
  new AgentError('conflict', `guest ${id} has ${port} of this host: choose another`);

export const queueFull = (runner: string, limit: number): AgentError =>
  new AgentError('queue_full', `${runner} already has ${limit} actions waiting: retry when some have ended`, {
    retryAfter: 5,
  });

export const consolesFull = (guest: string, limit: number): AgentError =>
  new AgentError('queue_full', `guest ${guest} already has ${limit} consoles open: close one of them`, {
    retryAfter: 5,
  });

export const stopping = (): AgentError =>
  new AgentError('unavailable', 'the agent is stopping and accepts no new actions: retry after its restart', {
    retryAfter: 10,
  });

/** @param why a clause that names what is missing */
export const notReady = (why: string): AgentError =>
  new AgentError('unavailable', `not ready: ${why}`, { retryAfter: 2 });

/** Ends the work for a client that has disconnected, which never reads the message. */
export const callerGone = (): AgentError => new AgentError('unavailable', 'the client disconnected');

export const badResponse = (service: string, what: string): AgentError =>
  new AgentError('bad_answer', `${service}: ${what}`);

export const serviceDown = (service: string, where: string, reason: string): AgentError =>
  new AgentError('unavailable', `${service}: cannot be reached on ${where} (${reason})`, { retryAfter: 2 });

export const serviceTimeout = (service: string, method: string, seconds: number): AgentError =>
  new AgentError('timeout', `${service}: no response to ${method} within ${seconds} s`);

/** Reports a failure that a sub-agent raised by itself. */
export const serviceFailed = (service: string, message: string): AgentError =>
  new AgentError('bad_answer', `${service}: ${message.trim() || 'failed without giving a reason'}`);

const unwritten = (error: unknown, wording: (why: string) => string): AgentError => {
  const { code, message } = error as NodeJS.ErrnoException;
  return isErrno(error, 'ENOSPC', 'EDQUOT')
    ? new AgentError('disk_full', wording("the disk of the agent's state is full"), { cause: error })
    : new AgentError('storage', wording(`the agent's state could not be written (${code ?? message})`), {
        cause: error,
      });
};

/**
 * Rejects actions on a guest whose creation failed: only its record is left.
 * @param why the error of its create job; empty when the job log no longer has it
 */
export const notCreated = (id: string, why: string): AgentError =>
  new AgentError(
    'conflict',
    `guest ${id} could not be created${why && ` (${why})`}: create it again by its id, or delete it`,
  );

/** Rejects the repeated creation of a guest that is about to be deleted, or whose failed creation is being cleaned up. */
export const notCreatedYet = (id: string, why: string): AgentError =>
  new AgentError(
    'conflict',
    `guest ${id} could not be created${why && ` (${why})`}: create it again when its jobs have ended`,
  );

/** Reports a failed write of the agent's state that left the state unchanged. */
export const storageFailed = (error: unknown): AgentError =>
  unwritten(error, (why) => `${why}: nothing was changed`);

export const isStorageFailure = (error: unknown): error is AgentError =>
  error instanceof AgentError && (error.kind === 'disk_full' || error.kind === 'storage');

/** Reports an action that a failed write interrupted. The stages that already completed are not undone. */
export const actionInterrupted = ({ cause }: AgentError): AgentError =>
  unwritten(cause, (why) => `interrupted: ${why}`);

/** Reports a job whose end is not on disk yet; the agent retries the write until it succeeds. */
export const endNotWritten = (id: string, { cause }: AgentError): AgentError =>
  unwritten(cause, (why) => `job ${id} has ended, but its status does not show it yet: ${why}; retrying`);

/** Tells whether an error carries one of these codes of errno(3) or of Node.js, such as `ENOENT`. */
export const isErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

export const errorMessage = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** An error in the form in which the state keeps it. */
export interface Failure {
  kind: ErrorKind;
  message: string;
}

export const failureOf = (error: unknown): Failure => ({
  kind: error instanceof AgentError ? error.kind : 'bad_answer',
  message: errorMessage(error),
});
