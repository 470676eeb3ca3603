import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { thawLeftBehind, whileFrozen } from '../../../../../lib/subagents/storage/guest-agent/freeze.js';
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
  /** What was done, commands of the agent included. */
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

test('the guest is frozen before the work and thawed after it', async (t) => {
  const agent = await start(t, { [FREEZE]: () => 2, [THAW]: () => 2 });
  t.is(await run(agent), 'filesystem');
  t.deepEqual(agent.commands, [SYNC, FREEZE, 'work', THAW]);
});

test('the guest is thawed when the work fails, and the failure is told', async (t) => {
  const { socket, commands } = await start(t, { [FREEZE]: () => 1, [THAW]: () => 1 });
  const work = (): Promise<void> => Promise.reject(new Error('no room'));
  await t.throwsAsync(whileFrozen({ socket, log: silentLog, timeouts }, work), { message: 'no room' });
  t.deepEqual(commands, [SYNC, FREEZE, THAW]);
});

test('without a socket the work is done at once', async (t) => {
  const socket = join(await tempDir(t), 'qga.sock');
  t.is(await run({ socket, commands: [] }), 'crash');
});

test('an agent that never answers is given up, and not asked to freeze', async (t) => {
  const agent = await start(t, { [SYNC]: never });
  t.is(await run(agent, short), 'crash');
  t.deepEqual(agent.commands, [SYNC, 'work']);
});

test('an agent that refuses to freeze is asked to thaw all the same', async (t) => {
  const agent = await start(t, { [FREEZE]: () => new Error('not supported'), [THAW]: () => 0 });
  t.is(await run(agent), 'crash');
  t.deepEqual(agent.commands, [SYNC, FREEZE, 'work', THAW]);
});

test('an agent that hangs while it freezes holds nothing up, and is thawed when it goes on', async (t) => {
  const { opened, open } = gate();
  const agent = await start(t, { [FREEZE]: () => opened.then(() => 1), [THAW]: () => 1 });
  t.is(await run(agent, short), 'crash');
  t.deepEqual(agent.commands, [SYNC, FREEZE, 'work']);
  open();
  await until('it is thawed', () => agent.commands.includes(THAW));
});

test('a freeze that comes too late does not make the snapshot better', async (t) => {
  const { opened, open } = gate();
  const agent = await start(t, { [FREEZE]: () => opened.then(() => 1), [THAW]: () => 1 });
  const consistency = whileFrozen(
    { socket: agent.socket, log: silentLog, timeouts: { ...short, thaw: 5000 } },
    async () => open(),
  );
  t.is(await consistency, 'crash');
  t.deepEqual(agent.commands, [SYNC, FREEZE, THAW]);
});

test('a guest that thawed by itself meanwhile was not frozen all the while', async (t) => {
  const agent = await start(t, { [FREEZE]: () => 2, [THAW]: () => 0 });
  t.is(await run(agent), 'crash');
});

test('a guest without file systems to freeze is as after a power cut', async (t) => {
  const agent = await start(t, { [FREEZE]: () => 0, [THAW]: () => 0 });
  t.is(await run(agent), 'crash');
});

test('a thaw that fails is tried again', async (t) => {
  let failures = 2;
  const thaw = (): unknown => (failures-- > 0 ? new Error('busy') : 1);
  const agent = await start(t, { [FREEZE]: () => 1, [THAW]: thaw });
  t.is(await run(agent), 'filesystem');
  t.deepEqual(agent.commands, [SYNC, FREEZE, 'work', THAW, THAW, THAW]);
});

test('what is left over from another conversation is not taken for an answer', async (t) => {
  const leftOver = '": 5}\n{"return": 17}\n{"error": {"class": "GenericError", "desc": "x"}}\n{"ret';
  const agent = await start(t, { [FREEZE]: () => 1, [THAW]: () => 1 }, leftOver);
  t.is(await run(agent), 'filesystem');
});

test('a guest that was left frozen is thawed', async (t) => {
  const { socket, commands } = await start(t, { [THAW]: () => 1 });
  await thawLeftBehind({ socket, log: silentLog, timeouts });
  t.deepEqual(commands, [SYNC, THAW]);
});
