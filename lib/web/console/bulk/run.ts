import type { Guest } from '../../../model/guest.js';
import { isFinished } from '../../../model/job.js';
import { errorText } from '../api.js';
import { showDialog, toast } from '../dialogs.js';
import { store } from '../store.js';
import { count } from '../words.js';
import { type BulkItem, bulkSummary } from './summary.js';

/** Requests at the same time; browsers have few connections per host. */
const CONCURRENT = 4;

interface BulkRun {
  /** What it does: "Shut down". */
  title: string;
  guests: readonly Guest[];
  /** The guests that were selected and are left out, because their state does not permit the action. */
  leftOut: readonly Guest[];
  /** @returns the ID of the job; empty when the request queued none */
  submit: (guest: Guest) => Promise<string>;
}

const end = (item: BulkItem, outcome: 'done' | 'failed', message = ''): void => {
  item.outcome = outcome;
  item.message = message;
};

/** Takes the outcome of an item from its job, once that has ended. */
const settle = (item: BulkItem): void => {
  if (item.outcome || item.job === undefined) return;
  const job = store.jobs.get(item.job)?.job;
  if (job && isFinished(job)) end(item, job.Status === 'Complete' ? 'done' : 'failed', job.Message);
};

const send = async (item: BulkItem, submission: Promise<string>): Promise<void> => {
  try {
    item.job = await submission;
    if (item.job === '') end(item, 'done');
  } catch (error) {
    end(item, 'failed', errorText(error));
  }
};

/** Acts on several guests and shows one summary of what succeeds and what fails, while it happens. */
export const runOnAll = ({ title, guests, leftOut, submit }: BulkRun): void => {
  const items: BulkItem[] = guests.map(({ id }) => ({ id, name: store.nameOf(id) }));
  const summary = bulkSummary(
    items,
    leftOut.map(({ id }) => store.nameOf(id)),
  );
  const check = (): void => {
    for (const item of items) settle(item);
    summary.update();
    if (items.some(({ outcome }) => !outcome)) return;
    stop();
    // The dialog says it while it is open.
    if (!summary.element.isConnected)
      toast(`${title}: ${summary.text()}`, summary.failed() ? 'error' : 'note');
  };
  const stop = store.onChange((kinds) => {
    if (kinds.has('jobs')) check();
  });
  const waiting = guests.map((guest, index) => [guest, items[index] as BulkItem] as const);
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [guest, item] = next;
      await send(item, submit(guest));
      check();
    }
  };
  showDialog(`${title}: ${count(items.length, 'guest')}`, summary.element);
  for (let worker = 0; worker < CONCURRENT; worker += 1) void work();
};
