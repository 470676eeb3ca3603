import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { exactly } from '../../../../lib/rpc/protocol/byte-stream.js';

const of = (...chunks: string[]): Readable => Readable.from(chunks, { objectMode: false });

test('passes bytes of the announced length', async (t) => {
  t.is(await text(exactly(of('ab', 'cde'), 5)), 'abcde');
});

test('passes an empty stream', async (t) => {
  t.is(await text(exactly(of(), 0)), '');
});

test('keeps the last bytes before an empty chunk', async (t) => {
  t.is(await text(exactly(Readable.from([Buffer.from('abc'), Buffer.alloc(0)]), 3)), 'abc');
});

test('fails on fewer bytes than announced', async (t) => {
  await t.throwsAsync(text(exactly(of('ab'), 5)), {
    message: '2 bytes instead of the 5 that were announced',
  });
});

test('fails on more bytes than announced', async (t) => {
  await t.throwsAsync(text(exactly(of('ab', 'cd'), 3)), {
    message: 'more bytes than the 3 that were announced',
  });
});

test('passes the error of the source on', async (t) => {
  const source = new PassThrough();
  const bytes = text(exactly(source, 5));
  source.destroy(new Error('the disk broke'));
  await t.throwsAsync(bytes, { message: 'the disk broke' });
});

test('destroys the source when the reader leaves', async (t) => {
  const source = new PassThrough();
  exactly(source, 5).destroy();
  await setImmediate();
  t.true(source.destroyed);
});

test('holds the last bytes until the source has ended', async (t) => {
  const source = new PassThrough();
  const received: string[] = [];
  exactly(source, 2).on('data', (chunk) => received.push(String(chunk)));
  source.write('a');
  source.write('b');
  await setImmediate();
  t.deepEqual(received, ['a']);
  source.end();
  await setImmediate();
  t.deepEqual(received, ['a', 'b']);
});
