import ava from 'ava';
import type { ExecResult } from '../../../lib/model/exec.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { needsEngine as test } from '../../helpers/engines/chosen.js';
import { callMethod } from '../../helpers/sub-agents.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

interface Container {
  run: (body: Record<string, unknown>) => Promise<ExecResult>;
  stop: () => Promise<unknown>;
}

const start = async (): Promise<Container> => {
  const containers = await shared.containers();
  const guest = newGuest();
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  const run = async (body: Record<string, unknown>): Promise<ExecResult> => {
    const request = { guest: { id: guest.id }, action: 'containerExec', body };
    const { result, error } = await callMethod(containers.port, 'MDocker.Exec', request);
    if (error) throw new Error(error);
    return result?.result as ExecResult;
  };
  return { run, stop: () => containers.guest('StopContainer', guest, { timeout: '0' }) };
};

test('says that a program is not in the container', async (t) => {
  const { run } = await start();
  // Some engines refuse it, others report the exit code of a shell.
  const missing = await run({ command: ['no-such-program'] }).catch((error: Error) => error);
  t.regex(missing instanceof Error ? missing.message : missing.stderr + missing.stdout, /no-such-program/);
  t.true(missing instanceof Error || [126, 127].includes(missing.exitCode ?? 0));
});

test('runs programs in a container, and says how they ended', async (t) => {
  const { run, stop } = await start();
  const sh = (script: string, more: Record<string, unknown> = {}): Promise<ExecResult> =>
    run({ command: ['sh', '-c', script], ...more });
  const both = await sh('echo out; echo err >&2; exit 3');
  t.like(both, { exited: true, exitCode: 3, stdout: 'out\n', stderr: 'err\n', truncated: false });
  t.like(await run({ command: ['cat'], input: 'grüße' }), { stdout: 'grüße', exitCode: 0 });
  const binary = Buffer.from([0, 255, 10]).toString('base64');
  t.like(await run({ command: ['cat'], input: binary, inputEncoding: 'base64' }), {
    stdout: binary,
    stdoutEncoding: 'base64',
  });
  t.like(await sh('echo "$A"; test -n "$PATH"', { env: { A: 'b c' } }), { stdout: 'b c\n', exitCode: 0 });
  t.like(await sh('kill -9 $$'), { exited: true, exitCode: 137 });
  t.like(await sh('sleep 100', { timeout: 1 }), { exited: false, exitCode: undefined });
  await stop();
  await t.throwsAsync(sh('true'), { message: /runs no programs: start it first/ });
});

test('runs a program as another user, in another directory', async (t) => {
  const { run } = await start();
  const { stdout } = await run({
    command: ['sh', '-c', '/bin/busybox id -u; /bin/busybox id -g; /bin/busybox pwd'],
    ...{ user: '1234:99', workingDir: '/etc' },
  });
  t.is(stdout, '1234\n99\n/etc\n');
});
