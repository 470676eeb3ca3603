import { access, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { tpmPaths } from '../../../lib/subagents/qemu/tpm/paths.js';
import { needs } from '../../helpers/needs.js';
import { OVMF } from '../../helpers/parts.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { makeUefiDisk, UEFI_IMAGE_PARTS } from '../../helpers/uefi-image.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'swtpm', ...UEFI_IMAGE_PARTS);
const testWithFirmware = needs('qemu-system-x86_64', 'swtpm', OVMF, ...UEFI_IMAGE_PARTS);

const WAIT_MS = 180_000;

interface TpmGuest {
  host: QemuHost;
  id: string;
  /** The directory of its disk. */
  dir: string;
  pid: () => Promise<number>;
}

const createWithTpm = async (t: ExecutionContext): Promise<TpmGuest> => {
  t.timeout(WAIT_MS);
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  await host.call('Create', { id, ...TINY, disks: [{ source }], machine: { tpm: true } });
  const paths = tpmPaths({ runDir: host.runFile(id), stateDir: host.stateFile(id) });
  const pid = async (): Promise<number> => Number(await readFile(paths.pid, 'utf8'));
  return { host, id, dir: dirname(source), pid };
};

const isAlive = async (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (text) => !/\) [ZX] /.test(text),
    () => false,
  );

const uidOf = async (pid: number): Promise<number> => (await stat(`/proc/${pid}`)).uid;

test('gives a guest a TPM with a user of its own, which ends with the guest and keeps its state', async (t) => {
  const { host, id, dir, pid } = await createWithTpm(t);
  t.true((await host.call('Status', { id })).guest.machine?.tpm);
  const first = await pid();
  t.true(await isAlive(first));
  if (process.getuid?.() === 0) {
    t.not(await uidOf(first), await uidOf(await host.pid(id)));
    t.is((await stat(join(dir, 'tpm'))).mode & 0o777, 0o700);
  }
  await host.call('Poweroff', { id });
  t.false(await isAlive(first));
  t.true((await readdir(join(dir, 'tpm'))).includes('tpm2-00.permall'));
  await host.call('Run', { id });
  t.not(await pid(), first);
});

test('warns of a TPM that has ended, and refuses the reset that would end QEMU', async (t) => {
  const { host, id, pid } = await createWithTpm(t);
  process.kill(await pid(), 'SIGKILL');
  const warnings = async (): Promise<string[]> => (await host.streamedState(id))?.warnings ?? [];
  await until(
    'the guest warns',
    async () => (await warnings()).some((text) => /TPM has ended/.test(text)),
    60_000,
  );
  await t.throwsAsync(host.call('Restart', { id }), {
    message: /its TPM has ended, and a reset would end its QEMU/,
  });
  t.is(await host.state(id), 'running');
  await host.call('Poweroff', { id });
  await host.call('Run', { id });
  t.deepEqual(await warnings(), []);
  t.is((await host.call('Restart', { id })).guest.state, 'running');
});

test('a guest with a TPM starts again after everything was killed', async (t) => {
  const { host, id, pid } = await createWithTpm(t);
  await host.stop();
  const [qemu, tpm] = [await host.pid(id), await pid()];
  process.kill(qemu, 'SIGKILL');
  process.kill(tpm, 'SIGKILL');
  await until('both are gone', async () => !(await isAlive(qemu)) && !(await isAlive(tpm)));
  await host.launch();
  t.is((await host.call('Run', { id })).guest.state, 'running');
  t.true(await isAlive(await pid()));
});

test('a guest keeps its TPM when the sub-agent is replaced', async (t) => {
  const { host, id, pid } = await createWithTpm(t);
  const before = await pid();
  await host.stop();
  await host.launch();
  t.is(await pid(), before);
  t.deepEqual((await host.call('Status', { id })).guest.warnings, []);
  await host.call('Delete', { id });
  t.false(await isAlive(before));
  await t.throwsAsync(access(host.stateFile(id)));
});

testWithFirmware('the firmware and its programs see the TPM', async (t) => {
  t.timeout(WAIT_MS * 2);
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  const raw = join(host.dir, 'uefi.raw');
  await makeUefiDisk(raw);
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, source]);
  const machine = { firmware: 'uefi', tpm: true };
  await host.call('Create', { id, memory: 192, disks: [{ source }], machine });
  await until('the guest has powered off', async () => (await host.state(id)) === 'shutoff', WAIT_MS);
  t.regex(
    await readFile(host.stateFile(id, 'serial.log'), 'utf8'),
    /mistify-guest: tpm\s+mistify-guest: boot 1/,
  );
});
