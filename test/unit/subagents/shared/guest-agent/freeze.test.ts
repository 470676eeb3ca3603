import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { thawIfFrozen, whileFrozen } from '../../../../../lib/subagents/shared/guest-agent/freeze.js';
import { startGuestAgent } from '../../../../helpers/guest-agent.js';
import { silentLog } from '../../../../helpers/sub-agents.js';
import { tempDir } from '../../../../helpers/temp.js';
import { gate, until } from '../../../../helpers/wait.js';

const FREEZE = 'guest-fsfreeze-freeze';
const THAW = 'guest-fsfreeze-thaw';
const SYNC = 'guest-sync-delimited';

const never = (): Promise<never> => new Promise(() => {});
const timeouts = { sync: 5000, freeze: 5000, thaw: 5000 };
const short = { sync: 200, freeze: 200, thaw: 200 };

interface Case {
  socket: string;
  /** The order of events: the agent's commands and `work`. */
  commands: string[];
}

const start = async (
  t: ExecutionContext,
  replies: Parameters<typeof startGuestAgent>[2],
  greeting?: string,
): Promise<Case> => {
  const socket = join(await tempDir(t), 'qga.sock');
  return { socket, ...(await startGuestAgent(t, socket, replies, greeting)) };
};

const run = ({ socket, commands }: Case, limits = timeouts) =>
  whileFrozen({ socket, log: silentLog, timeouts: limits }, async () => {
    commands.push('work');
  });

test('freezes the guest before the work and thaws it afterwards', async (t) => {
  const agent = await start(t, { [FREEZE]: () => 2, [THAW]: () => 2 });
  t.is(await run(agent), 'filesystem');
  t.deepEqual(agent.commands, [SYNC, FREEZE, 'work', THAW]);
});

test('thaws the guest when the work fails, and rejects with its error', async (t) => {
  const { socket, commands } = await start(t, { [FREEZE]: () => 1, [THAW]: () => 1 });
  const work = (): Promise<void> => Promise.reject(new Error('no room'));
  await t.throwsAsync(whileFrozen({ socket, log: silentLog, timeouts }, work), { message: 'no room' });
  t.deepEqual(commands, [SYNC, FREEZE, THAW]);
});

test('does the work at once without a socket', async (t) => {
  const socket = join(await tempDir(t), 'qga.sock');
  t.is(await run({ socket, commands: [] }), 'crash');
});

test('does not freeze with an agent that never responds', async (t) => {
  const agent = await start(t, { [SYNC]: never });
  t.is(await run(agent, short), 'crash');
  t.deepEqual(agent.commands, [SYNC, 'work']);
});

test('thaws even when the agent refuses to freeze', async (t) => {
  const agent = await start(t, { [FREEZE]: () => new Error('not supported'), [THAW]: () => 0 });
  t.is(await run(agent), 'crash');
  t.deepEqual(agent.commands, [SYNC, FREEZE, 'work', THAW]);
});

test('does not wait for an agent that hangs, which reads the thaw once it resumes', async (t) => {
  const { opened, open } = gate();
  const agent = await start(t, { [FREEZE]: () => opened.then(() => 1), [THAW]: () => 1 });
  t.is(await run(agent, short), 'crash');
  t.deepEqual(agent.commands, [SYNC, FREEZE, 'work']);
  open();
  await until('the guest is thawed', () => agent.commands.includes(THAW));
});

test('a freeze that succeeds too late leaves the snapshot crash-consistent', async (t) => {
  const { opened, open } = gate();
  const agent = await start(t, { [FREEZE]: () => opened.then(() => 1), [THAW]: () => 1 });
  const consistency = whileFrozen(
    { socket: agent.socket, log: silentLog, timeouts: { ...short, thaw: 5000 } },
    async () => open(),
  );
  t.is(await consistency, 'crash');
  t.deepEqual(agent.commands, [SYNC, FREEZE, THAW]);
});

test('a guest that thawed by itself leaves the snapshot crash-consistent', async (t) => {
  const agent = await start(t, { [FREEZE]: () => 2, [THAW]: () => 0 });
  t.is(await run(agent), 'crash');
});

test('a guest without file systems to freeze leaves the snapshot crash-consistent', async (t) => {
  const agent = await start(t, { [FREEZE]: () => 0, [THAW]: () => 0 });
  t.is(await run(agent), 'crash');
});

test('retries a failed thaw', async (t) => {
  let failures = 2;
  const thaw = (): unknown => (failures-- > 0 ? new Error('busy') : 1);
  const agent = await start(t, { [FREEZE]: () => 1, [THAW]: thaw });
  t.is(await run(agent), 'filesystem');
  t.deepEqual(agent.commands, [SYNC, FREEZE, 'work', THAW, THAW, THAW]);
});

test('ignores leftovers of an earlier conversation', async (t) => {
  const leftOver = '": 5}\n{"return": 17}\n{"error": {"class": "GenericError", "desc": "x"}}\n{"ret';
  const agent = await start(t, { [FREEZE]: () => 1, [THAW]: () => 1 }, leftOver);
  t.is(await run(agent), 'filesystem');
});

test('thaws a guest that was left frozen', async (t) => {
  const { socket, commands } = await start(t, { [THAW]: () => 1 });
  await thawIfFrozen({ socket, log: silentLog, timeouts });
  t.deepEqual(commands, [SYNC, THAW]);
});
