import { appendFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { followLog, readLog } from '../../../../../lib/subagents/qemu/console/follow-log.js';
import { tempDir } from '../../../../helpers/temp.js';
import { until } from '../../../../helpers/wait.js';

interface Reader {
  path: string;
  /** Everything read so far. */
  read: () => string;
  /** Resolves when the log has ended. */
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
    for await (const chunk of followLog(path, { bytes: scrollback }, controller.signal))
      read += chunk.toString();
  };
  const done = readAll().catch((error) => {
    if (!controller.signal.aborted) throw error;
  });
  return { path, read: () => read, done, stop: () => controller.abort() };
};

test('begins with the last bytes and continues with what is appended', async (t) => {
  const { path, read } = await follow(t, 'old words, new words', 9);
  await until('the end is read', () => read() === 'new words');
  await appendFile(path, ', and more');
  await until('more is read', () => read() === 'new words, and more');
  t.pass();
});

test('skips earlier output without scrollback', async (t) => {
  const { path, read } = await follow(t, 'before', 0);
  await until('the appended text is read', async () => {
    await appendFile(path, '.');
    return read() !== '';
  });
  t.regex(read(), /^\.+$/);
});

test('waits for a log that does not exist yet', async (t) => {
  const { path, read } = await follow(t, '');
  await until('the log exists and is read', () => appendFile(path, 'x').then(() => read() !== ''));
  t.regex(read(), /^x+$/);
});

test('reads a truncated log from its start', async (t) => {
  const { path, read } = await follow(t, 'a long text');
  await until('the log is read', () => read() === 'a long text');
  await truncate(path);
  await appendFile(path, 'short');
  await until('the new text is read', () => read() === 'a long textshort');
  t.pass();
});

test('ends when the log is removed', async (t) => {
  const { path, read, done } = await follow(t, 'the end');
  await until('the log is read', () => read() === 'the end');
  await rm(path);
  await done;
  t.is(read(), 'the end');
});

test('ends when its signal is aborted', async (t) => {
  const { read, done, stop } = await follow(t, 'x');
  await until('the log is read', () => read() === 'x');
  stop();
  await done;
  t.pass();
});

test('reads the last lines of a log, however long it is', async (t) => {
  const path = join(await tempDir(t), 'serial.log');
  const last = (lines: number): Promise<string> => text(readLog(path, { lines }));
  t.is(await last(5), '', 'a log that does not exist yet');
  await writeFile(path, 'one\ntwo\nthree\n');
  t.is(await last(0), '');
  t.is(await last(1), 'three\n');
  t.is(await last(2), 'two\nthree\n');
  t.is(await last(3), 'one\ntwo\nthree\n');
  t.is(await last(4), 'one\ntwo\nthree\n');
  await appendFile(path, 'a line without an end');
  t.is(await last(1), 'a line without an end');
  t.is(await last(2), 'three\na line without an end');
  const long = `${'x'.repeat(100_000)}\n`;
  await writeFile(path, `first\n${long}${long}`);
  t.is(await last(1), long);
  t.is((await last(3)).length, 6 + 2 * long.length);
  t.is(await text(readLog(path, 'first')), await last(3));
});
