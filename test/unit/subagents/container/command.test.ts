import test from 'ava';
import type { ContainerSpec } from '../../../../lib/model/container/spec.js';
import {
  clearingProgram,
  type ProgramOptions,
  programOptions,
} from '../../../../lib/subagents/container/command.js';

test('keeps the image’s program unless the guest names another', (t) => {
  t.deepEqual(programOptions({}), {});
  t.deepEqual(programOptions(undefined), {});
});

test('takes a command of words as it is', (t) => {
  t.deepEqual(programOptions({ command: ['sh', '-c', 'echo $HOME'] }).Cmd, ['sh', '-c', 'echo $HOME']);
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

test('passes open and secret environment variables', (t) => {
  t.deepEqual(programOptions({ env: { A: '1' }, secretEnv: { B: 'two = 2' } }).Env, ['A=1', 'B=two = 2']);
});

for (const [line, words] of [
  [String.raw`echo "say \"hi\""`, ['echo', 'say "hi"']],
  [`a"b c"d'e f'`, ['ab cde f']],
  [`--motto="never a false yes"`, ['--motto=never a false yes']],
  [String.raw`cat my\ file`, ['cat', 'my file']],
  [String.raw`it'\''s ''`, undefined],
  [String.raw`'it'\''s' '' ""`, ["it's", '', '']],
  [String.raw`printf '%s\n' C:\\dir`, ['printf', String.raw`%s\n`, String.raw`C:\dir`]],
  [String.raw`"a\b \\"`, ['a\\b \\']],
  ['one \\\n two\tthree\nfour', ['one', 'two', 'three', 'four']],
  ['grep #1 | id; $(x) `y` *', ['grep', '#1', '|', 'id;', '$(x)', '`y`', '*']],
  ['“a b” ü\u00a0x', ['“a', 'b”', 'ü\u00a0x']],
] as [string, string[] | undefined][])
  test(`splits a line into words as a POSIX shell does: ${JSON.stringify(line)}`, (t) => {
    if (words) t.deepEqual(programOptions({ command: line }).Cmd, words);
    else t.throws(() => programOptions({ command: line }), { message: /array of words/ });
  });

for (const line of [
  `sh -c 'unclosed`,
  'echo "unclosed',
  'trailing\\',
  '"a\\',
  '   ',
  '"\\$HOME"',
  '"\\`id\\`"',
])
  test(`rejects a line whose words are uncertain: ${JSON.stringify(line)}`, (t) => {
    for (const key of ['command', 'entrypoint']) {
      const error = t.throws(() => programOptions({ [key]: line }), { name: 'Refusal' });
      t.regex(error?.message ?? '', new RegExp(`^container\\.${key} .*write it as an array of words`));
    }
  });

test('keeps words as they are', (t) => {
  const words = ['', ' a ', '"\\"', "'", '$HOME', '\\$x'];
  t.deepEqual(programOptions({ command: words }).Cmd, words);
});

const IMAGE = { Entrypoint: ['/entry'], Cmd: ['serve'] };

for (const [spec, expected] of [
  [{ entrypoint: [] }, { Entrypoint: [''], Cmd: ['serve'] }],
  [{ entrypoint: [''] }, { Entrypoint: [''], Cmd: ['serve'] }],
  [{ entrypoint: "''" }, { Entrypoint: [''], Cmd: ['serve'] }],
  [
    { entrypoint: [], command: 'id -u' },
    { Entrypoint: [''], Cmd: ['id', '-u'] },
  ],
  [{ command: [] }, { Entrypoint: ['/entry'], Cmd: [] }],
  [
    { command: [], entrypoint: '/bin/sh' },
    { Entrypoint: ['/bin/sh'], Cmd: [] },
  ],
  [{ command: 'id' }, { Cmd: ['id'] }],
  [{}, {}],
] as [ContainerSpec, ProgramOptions][])
  test(`an empty list clears what the image names: ${JSON.stringify(spec)}`, (t) => {
    t.deepEqual(clearingProgram(programOptions(spec), IMAGE), expected);
  });

for (const image of [{}, { Cmd: null, Entrypoint: null }, { Cmd: [], Entrypoint: [''] }, { Entrypoint: '' }])
  test(`names the remedy when the image has no command: ${JSON.stringify(image)}`, (t) => {
    t.throws(() => clearingProgram(programOptions({}), image), { message: /--command sh/ });
    t.deepEqual(clearingProgram(programOptions({ command: 'sh' }), image), { Cmd: ['sh'] });
  });

test('rejects a container that has nothing to run', (t) => {
  const cleared = programOptions({ entrypoint: [], command: [] });
  t.throws(() => clearingProgram(cleared, IMAGE), { message: /nothing to run/ });
  t.throws(() => clearingProgram(programOptions({ entrypoint: [] }), { Entrypoint: 'x', Cmd: null }), {
    message: /nothing to run/,
  });
});
