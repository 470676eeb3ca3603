import test from 'ava';
import { programOptions } from '../../../../lib/subagents/container/command.js';

test('keeps the image’s program without metadata', (t) => {
  t.deepEqual(programOptions({ owner: 'ops' }), {});
  t.deepEqual(programOptions(undefined), {});
});

test('reads a command from a JSON array', (t) => {
  t.deepEqual(programOptions({ command: '["sh", "-c", "echo $HOME"]' }).Cmd, ['sh', '-c', 'echo $HOME']);
});

test('splits a command line at blanks outside quotes', (t) => {
  t.deepEqual(programOptions({ command: `nginx -g 'daemon off;'` }).Cmd, ['nginx', '-g', 'daemon off;']);
});

test('passes shell syntax on as it is', (t) => {
  t.deepEqual(programOptions({ command: 'echo $HOME; id > /x' }).Cmd, ['echo', '$HOME;', 'id', '>', '/x']);
});

test('replaces the entry point', (t) => {
  t.deepEqual(programOptions({ entrypoint: '/bin/sh -c' }), { Entrypoint: ['/bin/sh', '-c'] });
});

test('reads each env.NAME as an environment variable', (t) => {
  t.deepEqual(programOptions({ 'env.A': '1', 'env.B': 'two = 2', 'env.': 'x' }).Env, ['A=1', 'B=two = 2']);
});

test('rejects a malformed JSON array', (t) => {
  for (const command of ['["sh"', '[1]', '[["a"]]'])
    t.throws(() => programOptions({ command }), {
      message: /^metadata command is not a JSON array of strings/,
    });
});
