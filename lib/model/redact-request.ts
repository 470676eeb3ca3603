import type { ContainerSpec } from './container/spec.js';
import type { Guest } from './guest.js';
import { redact, redactUrl } from './redact.js';

/** The parts of a stage's request that may be secret. */
interface Secretive {
  guest?: Guest | null | undefined;
  /** A change of a guest, or of anything else. */
  change?: { container?: ContainerSpec | null } | null;
  source?: string | null;
  sums?: string | null;
}

/** Returns a sub-agent's text without the secrets of the guest or the URLs that it was sent. */
export const textFor = (request: unknown, text: string): string => {
  const { guest, change, source, sums } = (request ?? {}) as Secretive;
  const own = guest ? redact(guest, text) : text;
  const about = change?.container ? redact({ container: change.container }, own) : own;
  return redactUrl('sums', sums ?? '', redactUrl('source', source ?? '', about));
};

/** Redacts an error's texts, and those of its causes, which the log shows. Changes the error. */
export const redactError = (request: unknown, error: unknown): unknown => {
  if (!(error instanceof Error)) return error;
  // Before the message, because the stack begins with it.
  if (error.stack !== undefined) error.stack = textFor(request, error.stack);
  error.message = textFor(request, error.message);
  redactError(request, error.cause);
  return error;
};
