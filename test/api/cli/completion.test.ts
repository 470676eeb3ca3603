import test from 'ava';
import { execa } from 'execa';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { environment, MISTIFY, mistify } from '../../helpers/command-line.js';
import { refusingPort } from '../../helpers/ports.js';

const ID = '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';

/** Returns the words without their descriptions. */
const words = (stdout: string): string[] =>
  stdout
    .split('\n')
    .filter((line) => !line.startsWith(':'))
    .map((line) => line.split('\t')[0] ?? '');

test.serial('completes commands, options, guests and images', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID });
  await addGuest(context, { metadata: { name: 'web' }, tags: ['production'] });
  const complete = async (...typed: string[]): Promise<string[]> =>
    words((await mistify(t, url, 'complete', '--', ...typed)).stdout);
  t.deepEqual(await complete('sn'), ['snapshot']);
  t.deepEqual(await complete('guest', 're'), ['reboot', 'restart', 'resume']);
  t.deepEqual(await complete('guest', 'start', ''), [ID, 'web']);
  t.deepEqual(await complete('guest', 'start', 'w'), ['web']);
  t.deepEqual(await complete('guest', 'create', '--me'), ['--memory', '--metadata']);
  t.deepEqual(await complete('image', 'show', ''), ['kvm-image', 'container-image']);
  t.deepEqual(await complete('guest', 'create', '--image', 'k'), ['kvm-image']);
  t.deepEqual(await complete('guest', 'list', '--tag', ''), ['production']);
  t.deepEqual(await complete('completion', ''), ['bash', 'zsh', 'fish']);
});

test.serial('completes the ID of a guest whose name is unsafe in a shell', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID, metadata: { name: '$(id)\nweb' } });
  const { stdout } = await mistify(t, url, 'complete', '--', 'guest', 'start', '');
  t.deepEqual(words(stdout), [ID]);
});

test.serial('completes commands silently without an agent', async (t) => {
  const url = `http://127.0.0.1:${await refusingPort(t)}`;
  const commands = await mistify(t, url, 'complete', '--', 'guest', 'sh');
  t.deepEqual(words(commands.stdout), ['show', 'shutdown']);
  const guests = await mistify(t, url, 'complete', '--', 'guest', 'start', '');
  t.like(guests, { exitCode: 0, stderr: '' });
});

/** Returns bash's completions of a line with the printed script. */
const bashCompletes = async (env: NodeJS.ProcessEnv, line: string): Promise<string[]> => {
  const script = `
    mistify() { "${process.execPath}" "${MISTIFY}" "$@"; }
    source <(mistify completion bash)
    COMP_LINE="$LINE" COMP_POINT=\${#LINE}
    _mistify
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await execa('bash', ['-c', script], { env: { ...env, LINE: line }, extendEnv: false });
  return stdout.split('\n');
};

test.serial('the bash script completes', async (t) => {
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.listImages': () => ({ images: [{ id: 'localhost/busybox:1', type: 'container', size: 1 }] }),
    },
  });
  await addGuest(context, { metadata: { name: 'webserver' } });
  const env = await environment(t, url);
  t.deepEqual(await bashCompletes(env, 'mistify guest start webs'), ['webserver']);
  t.deepEqual(await bashCompletes(env, 'mistify guest sh'), ['show', 'shutdown']);
  t.deepEqual(await bashCompletes(env, 'mistify guest start '), ['webserver']);
  t.deepEqual(await bashCompletes(env, 'mistify image show localhost/busybox:'), ['1']);
});

for (const shell of ['zsh', 'fish'])
  test.serial(`prints a script for ${shell}`, async (t) => {
    const { exitCode, stdout } = await mistify(t, 'http://127.0.0.1:1', 'completion', shell);
    t.is(exitCode, 0);
    t.true(stdout.includes('mistify complete --'));
  });
