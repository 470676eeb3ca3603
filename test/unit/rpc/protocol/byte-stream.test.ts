import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { exactly } from '../../../../lib/rpc/protocol/byte-stream.js';

const of = (...chunks: string[]): Readable => Readable.from(chunks, { objectMode: false });

test('bytes that are as many as was said come through', async (t) => {
  t.is(await text(exactly(of('ab', 'cde'), 5)), 'abcde');
});

test('no bytes come through', async (t) => {
  t.is(await text(exactly(of(), 0)), '');
});

test('an empty chunk at the end takes nothing away', async (t) => {
  t.is(await text(exactly(Readable.from([Buffer.from('abc'), Buffer.alloc(0)]), 3)), 'abc');
});

test('fewer bytes than was said are an error', async (t) => {
  await t.throwsAsync(text(exactly(of('ab'), 5)), {
    message: '2 bytes instead of the 5 that were announced',
  });
});

test('more bytes than was said are an error', async (t) => {
  await t.throwsAsync(text(exactly(of('ab', 'cd'), 3)), {
    message: 'more bytes than the 3 that were announced',
  });
});

test('the error of the bytes is the error', async (t) => {
  const source = new PassThrough();
  const bytes = text(exactly(source, 5));
  source.destroy(new Error('the disk broke'));
  await t.throwsAsync(bytes, { message: 'the disk broke' });
});

test('who goes away ends the source', async (t) => {
  const source = new PassThrough();
  exactly(source, 5).destroy();
  await setImmediate();
  t.true(source.destroyed);
});

test('the last bytes wait for the end', async (t) => {
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
