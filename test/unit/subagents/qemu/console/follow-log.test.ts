import { appendFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { followLog } from '../../../../../lib/subagents/qemu/console/follow-log.js';
import { tempDir } from '../../../../helpers/temp.js';
import { until } from '../../../../helpers/wait.js';

interface Reader {
  path: string;
  /** All that was read so far. */
  read: () => string;
  /** Resolves when there is no more to come. */
  done: Promise<void>;
  stop: () => void;
}

const follow = async (t: ExecutionContext, content: string, scrollback = 1000): Promise<Reader> => {
  const path = join(await tempDir(t), 'serial.log');
  if (content !== '') await writeFile(path, content);
  const controller = new AbortController();
  t.teardown(() => controller.abort());
  let read = '';
  const readAll = async (): Promise<void> => {
    for await (const chunk of followLog(path, scrollback, controller.signal)) read += chunk.toString();
  };
  const done = readAll().catch((error) => {
    if (!controller.signal.aborted) throw error;
  });
  return { path, read: () => read, done, stop: () => controller.abort() };
};

test('it begins with what was said last, and goes on with what is said then', async (t) => {
  const { path, read } = await follow(t, 'old words, new words', 9);
  await until('the end is read', () => read() === 'new words');
  await appendFile(path, ', and more');
  await until('more is read', () => read() === 'new words, and more');
  t.pass();
});

test('nothing of what was said before comes without scrollback', async (t) => {
  const { path, read } = await follow(t, 'before', 0);
  await until('it is followed', async () => {
    await appendFile(path, '.');
    return read() !== '';
  });
  t.regex(read(), /^\.+$/);
});

test('a log that is not there yet is waited for', async (t) => {
  const { path, read } = await follow(t, '');
  await until('it is there', () => appendFile(path, 'x').then(() => read() !== ''));
  t.regex(read(), /^x+$/);
});

test('a log that begins anew is read from its beginning', async (t) => {
  const { path, read } = await follow(t, 'a long text');
  await until('it is read', () => read() === 'a long text');
  await truncate(path);
  await appendFile(path, 'short');
  await until('the new text is read', () => read() === 'a long textshort');
  t.pass();
});

test('it ends when the log is removed', async (t) => {
  const { path, read, done } = await follow(t, 'the end');
  await until('it is read', () => read() === 'the end');
  await rm(path);
  await done;
  t.is(read(), 'the end');
});

test('it ends when it is called off', async (t) => {
  const { read, done, stop } = await follow(t, 'x');
  await until('it is read', () => read() === 'x');
  stop();
  await done;
  t.pass();
});
