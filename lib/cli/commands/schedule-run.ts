import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { MistifyClient, ScheduleDetails } from '../../client/index.js';
import { counted } from '../../model/units.js';
import { shortId } from '../../portable/format.js';
import { EXIT } from '../exit-codes.js';
import { Failure } from '../failure.js';
import type { FollowOptions } from '../follow.js';
import { scheduleId } from '../names.js';
import { type Session, withSession } from '../session.js';

const POLL_MS = 500;

/** Waits until all guests of a run that has begun have ended. */
const untilEnded = async (client: MistifyClient, id: string): Promise<ScheduleDetails> => {
  for (;;) {
    const schedule = await client.schedules.get(id);
    if (schedule.status.every(({ run }) => run?.outcome !== 'running')) return schedule;
    await delay(POLL_MS);
  }
};

const failuresOf = ({ last, status }: ScheduleDetails): string[] =>
  status.flatMap(({ guest, run }) =>
    run?.outcome === 'error' && run.due === last?.due ? [`${shortId(guest)}: ${run.message}`] : [],
  );

const guestsOf = ({ last }: ScheduleDetails, outcome: 'running' | 'success'): string =>
  counted(last?.guests[outcome] ?? 0, 'guest');

/** Waits for the end of a run, and prints it. */
const follow = async ({ client, out }: Session, id: string, title: string): Promise<void> => {
  const ended = await untilEnded(client, id);
  if (out.json) out.value(ended);
  const failures = failuresOf(ended);
  if (failures.length > 0) throw new Failure(EXIT.failed, `${title}: failed for ${failures.join('; ')}`);
  if (!out.json) out.line(`${title}: done for ${guestsOf(ended, 'success')}`);
};

export const addScheduleRun = (schedule: Command): void => {
  schedule
    .command('run <schedule>')
    .description('begin a run now, also of a schedule that is disabled')
    .option('-w, --wait', 'wait until it has ended for all guests')
    .option('--dry-run', 'only check the request; change nothing')
    .action(
      withSession(async (session, text: string, { wait, dryRun }: FollowOptions) => {
        const { client, out } = session;
        const title = `run ${text}`;
        const begun = await client.schedules.run(await scheduleId(client, text), { dryRun });
        if (wait && !dryRun) await follow(session, begun.id, title);
        else if (out.json) out.value(begun);
        else if (dryRun) out.line(`${title}: would begin; nothing was changed`);
        else out.line(`${title}: begun for ${guestsOf(begun, 'running')}`);
      }),
    );
};
