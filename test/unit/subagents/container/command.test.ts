import test from 'ava';
import { programOptions } from '../../../../lib/subagents/container/command.js';

test('a guest whose metadata say nothing of it runs what its image says', (t) => {
  t.deepEqual(programOptions({ owner: 'ops' }), {});
  t.deepEqual(programOptions(undefined), {});
});

test('a command is a JSON array', (t) => {
  t.deepEqual(programOptions({ command: '["sh", "-c", "echo $HOME"]' }).Cmd, ['sh', '-c', 'echo $HOME']);
});

test('or a line in which quotes keep words together', (t) => {
  t.deepEqual(programOptions({ command: `nginx -g 'daemon off;'` }).Cmd, ['nginx', '-g', 'daemon off;']);
});

test('nothing of a command is for a shell to read', (t) => {
  t.deepEqual(programOptions({ command: 'echo $HOME; id > /x' }).Cmd, ['echo', '$HOME;', 'id', '>', '/x']);
});

test('the entry point can be another one, too', (t) => {
  t.deepEqual(programOptions({ entrypoint: '/bin/sh -c' }), { Entrypoint: ['/bin/sh', '-c'] });
});

test('each env.NAME is a variable', (t) => {
  t.deepEqual(programOptions({ 'env.A': '1', 'env.B': 'two = 2', 'env.': 'x' }).Env, ['A=1', 'B=two = 2']);
});

test('what looks like a JSON array must be one, of strings', (t) => {
  for (const command of ['["sh"', '[1]', '[["a"]]'])
    t.throws(() => programOptions({ command }), {
      message: /^metadata command: not a JSON array of strings/,
    });
});
