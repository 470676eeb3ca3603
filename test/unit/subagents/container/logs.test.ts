import { text } from 'node:stream/consumers';
import test from 'ava';
import { outputIn } from '../../../../lib/subagents/container/logs.js';

const frame = (stream: number, output: string): Buffer => {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(output), 4);
  return Buffer.concat([header, Buffer.from(output)]);
};

const FRAMES = Buffer.concat([
  frame(1, 'hello\n'),
  frame(2, ''),
  frame(2, 'oops\n'),
  frame(1, 'x'.repeat(300)),
]);
const OUTPUT = `hello\noops\n${'x'.repeat(300)}`;

for (const size of [1, 3, 7, 8, 9, 13, 64, 1000])
  test(`finds the output in frames that arrive in pieces of ${size} bytes`, async (t) => {
    const pieces = async function* (): AsyncGenerator<Buffer> {
      for (let at = 0; at < FRAMES.length; at += size) yield FRAMES.subarray(at, at + size);
    };
    t.is(await text(outputIn(pieces())), OUTPUT);
  });
