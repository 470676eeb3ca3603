import type { Accepted } from '../client/index.js';
import { type ConfirmOptions, confirm } from './confirm.js';
import { type FollowOptions, reportJob } from './follow.js';
import type { Session } from './session.js';

export type PruneOptions = FollowOptions & ConfirmOptions;

/** A prune of things of one kind. */
export interface Prune<Item> {
  /** The word for one of them, such as `image`. */
  word: string;
  /** Describes one of them in a line. */
  describe: (item: Item) => string;
  /** Requests the deletion of those that the user has agreed to. */
  send: (plan: Item[]) => Promise<Accepted<unknown>>;
}

const counted = (count: number, word: string): string =>
  count === 1 ? `this ${word}` : `these ${count} ${word}s`;

/** Lists what a prune would delete, asks, and requests it. */
export const reportPrune = async <Item>(
  session: Session,
  plan: Item[],
  { word, describe, send }: Prune<Item>,
  options: PruneOptions,
): Promise<void> => {
  const { out } = session;
  const isOver = options.dryRun || plan.length === 0;
  if (isOver && out.json) return out.value(plan);
  for (const item of plan) out.note(describe(item));
  if (plan.length === 0) return out.note(`No ${word} is unused.`);
  if (isOver) return out.note(`Would delete ${counted(plan.length, word)}.`);
  await confirm(`Delete ${counted(plan.length, word)}?`, options);
  await reportJob(session, await send(plan), `prune ${word}s`, options);
};
