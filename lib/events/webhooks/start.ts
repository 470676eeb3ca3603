import type { Logger } from '../../log.js';
import type { SealedNow } from '../../model/event.js';
import type { EventLog } from '../event-log.js';
import { Cursor, removeOtherCursors } from './cursor.js';
import type { Receivers } from './receivers.js';
import { Webhook } from './webhook.js';

export interface Webhooks {
  /** Stops posting; events that are not delivered yet are posted after the next start. */
  stop(): Promise<void>;
}

/**
 * Starts to post events to every webhook of the config.
 * @param directory holds the cursor of each webhook
 */
export const startWebhooks = async (
  receivers: Receivers,
  {
    events,
    sealedNow,
    directory,
    log,
  }: { events: EventLog; sealedNow: SealedNow; directory: string; log: Logger },
): Promise<Webhooks> => {
  const stopping = new AbortController();
  await removeOtherCursors(
    directory,
    receivers.map(([{ url }]) => url),
  );
  const running = await Promise.all(
    receivers.map(async ([{ kinds, guests }, receiver]) => {
      const cursor = await Cursor.open(directory, receiver.url, events.lastId);
      const webhook = new Webhook({ receiver, filter: { guests, kinds }, events, sealedNow, cursor, log });
      // Wrapped in an object, so that awaiting the array does not await the run.
      return { ended: webhook.run(stopping.signal) };
    }),
  );
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(running.map(({ ended }) => ended));
    },
  };
};
