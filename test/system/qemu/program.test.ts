import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import getPort from 'get-port';
import { needs } from '../../helpers/needs.js';
import { QEMU_PROGRAM, startQemuProgram } from '../../helpers/qemu-program.js';
import { callMethod } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

needs('qemu-system-x86_64')('finds guests again after SIGKILL of the sub-agent', async (t) => {
  const dir = await tempDir(t);
  const port = await getPort();
  const first = await startQemuProgram(t, dir, port);
  const guest = { id: randomUUID(), memory: 32 };
  t.like(await callMethod(port, 'Libvirt.Create', { guest, action: 'create' }), { error: null });
  const pid = (await readFile(join(dir, 'run', guest.id, 'pid'), 'utf8')).trim();
  first.kill('SIGKILL');
  await once(first, 'exit');
  t.true(existsSync(`/proc/${pid}/exe`));
  const second = await startQemuProgram(t, dir, port);
  const status = await callMethod(port, 'Libvirt.Status', { guest, action: 'status' });
  t.like(status.result, { guest: { id: guest.id, state: 'running' } });
  await callMethod(port, 'Libvirt.Delete', { guest, action: 'delete' });
  t.false(existsSync(`/proc/${pid}/exe`));
  second.kill('SIGTERM');
  const [code] = await once(second, 'exit');
  t.is(code, 0);
});

test('rejects a run directory that is too long for unix sockets', async (t) => {
  const runDir = join(await tempDir(t), 'x'.repeat(90));
  const args = [QEMU_PROGRAM, '--port', '0', '--dir', join(runDir, 'd'), '--run-dir', runDir];
  const { exitCode, stderr } = await execa(process.execPath, args, { reject: false });
  t.is(exitCode, 1);
  t.regex(stderr, /bytes too long for the unix sockets in it: choose a shorter --run-dir/);
});

test('reports a missing QEMU in its health and in errors', async (t) => {
  const dir = await tempDir(t);
  const port = await getPort();
  const args = [QEMU_PROGRAM, '--port', String(port), '--dir', join(dir, 'd'), '--run-dir', join(dir, 'r')];
  const program = spawn(process.execPath, [...args, '--qemu', '/nonexistent/qemu'], { stdio: 'ignore' });
  t.teardown(() => program.kill('SIGKILL'));
  const health = async (): Promise<{ status?: string; message?: string }> =>
    fetch(`http://127.0.0.1:${port}/_mistify_health_`).then(
      async (reply) => (await reply.json()) as { status: string },
      () => ({}),
    );
  await until('the program responds', async () => (await health()).status !== undefined);
  t.like(await health(), { status: 'degraded' });
  const guest = { id: randomUUID(), memory: 32 };
  const { error } = await callMethod(port, 'Libvirt.Create', { guest, action: 'create' });
  t.regex(error ?? '', /not installed/);
});
