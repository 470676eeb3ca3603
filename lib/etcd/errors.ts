import { status } from '@grpc/grpc-js';

/** What a failed call to etcd means for its caller. */
export type EtcdErrorKind =
  /** No member answered, or none with a leader: nothing is known, and a read may be repeated. */
  | 'unavailable'
  /** A change was sent, and its answer was lost: it may have been made, or may still be. */
  | 'unknown-outcome'
  /** etcd refused the call: repeated, it would be refused again. */
  | 'refused';

export class EtcdError extends Error {
  readonly kind: EtcdErrorKind;

  constructor(kind: EtcdErrorKind, message: string) {
    super(message);
    this.name = 'EtcdError';
    this.kind = kind;
  }
}

/** The codes of gRPC with which a member refuses a call for good; all others may be a member that is away. */
const REFUSALS: ReadonlySet<number> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
]);

/** Whether another member might answer the call. */
export const isTransient = (code: number | undefined): boolean => code === undefined || !REFUSALS.has(code);
