import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import getPort from 'get-port';
import type { Guest } from '../../../lib/model/guest.js';
import { needs } from '../../helpers/needs.js';
import { OVMF } from '../../helpers/parts.js';
import { startQemuProgram } from '../../helpers/qemu-program.js';
import { callMethod } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

const test = needs('qemu-system-x86_64', OVMF, 'qemu-img');

const DELAYS_MS = [0, 2, 4, 7, 12, 25];

test('SIGKILL in a change of Secure Boot leaves the variables of the guest’s record in use', async (t) => {
  t.timeout(300_000);
  const dir = await tempDir(t);
  const port = await getPort();
  let program = await startQemuProgram(t, dir, port);
  const id = randomUUID();
  const call = async (method: string, request: object = {}): Promise<Guest> => {
    const reply = await callMethod(port, `Libvirt.${method}`, {
      guest: { id },
      action: 'update',
      ...request,
    });
    t.is(reply.error, null);
    return reply.result?.guest as Guest;
  };
  const change = (secureBoot: boolean) => ({ change: { machine: { secureBoot } } });
  const isSecure = async (): Promise<boolean> => (await call('Status')).machine?.secureBoot === true;
  /** Starts the guest. Which file is in use shows by its inode, because files are renamed only. */
  const inodeAfterStart = async (): Promise<number> => {
    await call('Run');
    await call('Poweroff');
    return (await stat(join(dir, 'qemu', 'guests', id, 'nvram.qcow2'))).ino;
  };
  await call('CreateGuest', { guest: { id, memory: 64, cpu: 1, machine: { firmware: 'uefi' } } });
  const plain = await inodeAfterStart();
  await call('Update', change(true));
  const secure = await inodeAfterStart();
  t.not(secure, plain);
  for (const delay of DELAYS_MS) {
    const before = await isSecure();
    const lost = call('Update', change(!before)).catch(() => undefined);
    await sleep(delay);
    program.kill('SIGKILL');
    await Promise.all([once(program, 'exit'), lost]);
    program = await startQemuProgram(t, dir, port);
    t.is(await inodeAfterStart(), (await isSecure()) ? secure : plain);
    // The agent repeats its call.
    await call('Update', change(!before));
    t.is(await inodeAfterStart(), before ? plain : secure);
  }
  await call('Delete');
});
