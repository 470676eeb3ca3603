import { type ErrorKind, errorMessage, isErrno } from '../../errors.js';

const STATUS = {
  invalid: 400,
  not_found: 404,
  conflict: 409,
  past_end: 416,
  no_space: 507,
} as const satisfies Partial<Record<ErrorKind, number>>;

/** The refusals that keep their meaning for the agent's client. Any other failure is the sub-agent's own: a 502. */
export type RefusalKind = keyof typeof STATUS;

/**
 * Refuses a call, a stream or a console for a reason that the agent's client can act on. A sub-agent throws it; the
 * client gets its message with the status of its kind.
 */
export class Refusal extends Error {
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Refusal';
    this.kind = kind;
  }
}

/** Prefixes a failure's message with the part that failed, such as `NIC 0`. A refusal keeps its kind. */
export const failureIn = (what: string, failure: unknown): Error => {
  const message = `${what}: ${errorMessage(failure)}`;
  const options = { cause: failure };
  return failure instanceof Refusal
    ? new Refusal(failure.kind, message, options)
    : new Error(message, options);
};

/** Returns the kind of a failure that the agent's client can act on; a full disk counts, whatever reports it. */
export const kindOfFailure = (failure: unknown): RefusalKind | undefined => {
  if (failure instanceof Refusal) return failure.kind;
  if (!(failure instanceof Error)) return undefined;
  return isErrno(failure, 'ENOSPC', 'EDQUOT') ? 'no_space' : kindOfFailure(failure.cause);
};

/** The HTTP status with which a stream or console route reports a failure. */
export const statusOfFailure = (failure: unknown): number => {
  const kind = kindOfFailure(failure);
  return kind ? STATUS[kind] : 500;
};

/** Returns the kind of refusal that a stream or console route reports with a status; `undefined` for other failures. */
export const kindOfStatus = (status: number): RefusalKind | undefined =>
  (Object.keys(STATUS) as RefusalKind[]).find((kind) => STATUS[kind] === status);

/**
 * Sub-agents of the original agent send only an error string. The contract gives two of its endings a meaning: `not
 * found` and `no such image` are a 404 for the client.
 */
const NOT_FOUND = /(^|: )(not found|no such image)$/i;

/**
 * Reads the kind of a failed call, `undefined` for a failure of the sub-agent's own.
 * @param kind the envelope's `kind`, which only newer sub-agents send
 */
export const kindOfError = (message: string, kind?: unknown): RefusalKind | undefined => {
  if (typeof kind === 'string' && Object.hasOwn(STATUS, kind)) return kind as RefusalKind;
  return NOT_FOUND.test(message) ? 'not_found' : undefined;
};
