import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { execa } from 'execa';
import { endingWithParent } from '../../../lib/process/with-parent.js';
import { waitUntilGone } from '../../helpers/program.js';

test('runs a program with its arguments as they are', async (t) => {
  const [program, ...args] = endingWithParent('TERM', ['printf', '%s|', 'a b', '$0', '"']);
  t.is((await execa(program, args)).stdout, 'a b|$0|"|');
});

test('gives the exit code of the program', async (t) => {
  const [program, ...args] = endingWithParent('TERM', ['sh', '-c', 'exit 7']);
  t.is((await execa(program, args, { reject: false })).exitCode, 7);
});

test('does not start a program whose parent has died before it', async (t) => {
  const parent = spawn('true');
  await once(parent, 'exit');
  const [program, ...args] = endingWithParent('TERM', ['echo', 'started'], { parent: parent.pid ?? 0 });
  const { stdout, exitCode } = await execa(program, args, { reject: false });
  t.is(stdout, '');
  t.is(exitCode, 1);
});

test('ends a program when its parent dies', async (t) => {
  // The parent prints its child's process id and waits to be killed.
  const script = `
    import { spawn } from 'node:child_process';
    import { endingWithParent } from '${new URL('../../../lib/process/with-parent.js', import.meta.url).href}';
    const [program, ...args] = endingWithParent('KILL', ['sh', '-c', 'echo $$; exec sleep 600']);
    spawn(program, args, { stdio: 'inherit' });
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = (await once(parent.stdout, 'data')) as [Buffer];
  parent.kill('SIGKILL');
  await t.notThrowsAsync(waitUntilGone(Number(output.toString())));
});
