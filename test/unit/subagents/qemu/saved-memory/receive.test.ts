import { existsSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import { createLayout } from '../../../../../lib/subagents/qemu/layout.js';
import { receiveMemory } from '../../../../../lib/subagents/qemu/saved-memory/receive.js';
import { draftOf } from '../../../../../lib/subagents/qemu/saved-memory/saved-memory.js';
import { GUEST_ID } from '../../../../helpers/sub-agents.js';
import { tempDir } from '../../../../helpers/temp.js';

const setUp = async (t: ExecutionContext) => {
  const dir = await tempDir(t);
  const paths = createLayout({ dir: join(dir, 'qemu'), runDir: join(dir, 'run') }).paths(GUEST_ID);
  await mkdir(paths.stateDir, { recursive: true });
  await mkdir(paths.runDir, { recursive: true });
  const options = {
    ...{ uid: undefined, maxBytes: 1000, signal: new AbortController().signal },
    onBytes: () => undefined,
  };
  /** Sends bytes as QEMU does. */
  const send = (bytes: number) => (): Promise<void> => {
    const socket = connect(paths.memorySocket);
    // It may also break after its end was written.
    socket.on('error', () => undefined);
    return pipeline(Readable.from([Buffer.alloc(bytes, 1)]), socket);
  };
  const isEmpty = (): boolean =>
    [paths.memory, paths.memorySocket, draftOf(paths)].every((path) => !existsSync(path));
  return { paths, options, send, isEmpty };
};

test('receives all of the memory into a file that only its owner can read', async (t) => {
  const { paths, options, send } = await setUp(t);
  t.is(await receiveMemory(paths, options, send(1000)), 1000);
  t.deepEqual(await readFile(paths.memory), Buffer.alloc(1000, 1));
  t.is((await stat(paths.memory)).mode & 0o777, 0o600);
  t.false(existsSync(paths.memorySocket));
});

test('leaves nothing of a QEMU that sends without end', async (t) => {
  const { paths, options, send, isEmpty } = await setUp(t);
  await t.throwsAsync(
    receiveMemory(paths, options, () => send(1001)().catch(() => undefined)),
    { message: /sent more than 1000 bytes/ },
  );
  t.true(isEmpty());
});

test('leaves nothing when QEMU says that it failed', async (t) => {
  const { paths, options, send, isEmpty } = await setUp(t);
  const failing = async (): Promise<void> => {
    await send(10)();
    throw new Error('QEMU did not save the memory');
  };
  await t.throwsAsync(receiveMemory(paths, options, failing), { message: 'QEMU did not save the memory' });
  t.true(isEmpty());
});

test('ends the wait for a QEMU that never connects when the caller goes away', async (t) => {
  const { paths, options, isEmpty } = await setUp(t);
  const caller = new AbortController();
  const receiving = receiveMemory(paths, { ...options, signal: caller.signal }, async () => undefined);
  setTimeout(() => caller.abort(new Error('the caller has gone away')), 50);
  await t.throwsAsync(receiving, { message: 'the caller has gone away' });
  t.true(isEmpty());
});
