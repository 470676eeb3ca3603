import type { Request } from '@hapi/hapi';
import { callerGone } from './errors.js';

/** The same for all: to make an error costs more than most answers, and nobody reads where this one comes from. */
const CALLER_GONE = callerGone();

/**
 * Aborted when the caller goes away, or has its whole answer. hapi's own `disconnect` event does not come any more
 * once the body has been read; and of a caller who went away in the middle of a stream hapi ends the answer as if it
 * were whole.
 */
export const disconnectSignal = ({ raw: { res } }: Request): AbortSignal => {
  const controller = new AbortController();
  const onClose = (): void => controller.abort(CALLER_GONE);
  if (res.closed) onClose();
  else res.once('close', onClose);
  return controller.signal;
};
