import type { Request } from '@hapi/hapi';
import { callerGone } from './errors.js';

/**
 * Aborted when the caller goes away before it has its answer. hapi's own `disconnect` event does not come any more
 * once the body has been read.
 */
export const disconnectSignal = ({ raw: { res } }: Request): AbortSignal => {
  const controller = new AbortController();
  const onClose = (): void => {
    if (!res.writableFinished) controller.abort(callerGone());
  };
  if (res.closed) onClose();
  else res.once('close', onClose);
  return controller.signal;
};
