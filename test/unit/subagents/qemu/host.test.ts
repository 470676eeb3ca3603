import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { loadRecords, saveRecord } from '../../../../lib/subagents/qemu/guests/records.js';
import { stateOf } from '../../../../lib/subagents/qemu/guests/state.js';
import { createLayout } from '../../../../lib/subagents/qemu/layout.js';
import { chooseAccel, deviceGroups } from '../../../../lib/subagents/qemu/machine/accel.js';
import { parseNicModels } from '../../../../lib/subagents/qemu/machine/program.js';
import { boundLog } from '../../../../lib/subagents/qemu/process/cap-log.js';
import {
  exited,
  findAnyQemu,
  findQemu,
  killQemu,
  startOf,
} from '../../../../lib/subagents/qemu/process/process.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';

test('auto is KVM only where the CPU has virtualization and the device opens', async (t) => {
  const dir = await tempDir(t);
  const files = { cpuinfo: join(dir, 'cpuinfo'), kvm: join(dir, 'kvm') };
  await writeFile(files.kvm, '');
  await writeFile(files.cpuinfo, 'flags\t\t: fpu sse2 svmx\n');
  t.is(await chooseAccel('auto', files), 'tcg');
  await writeFile(files.cpuinfo, 'flags\t\t: fpu vmx sse2\n');
  t.is(await chooseAccel('auto', files), 'kvm');
  t.is(await chooseAccel('auto', { ...files, kvm: join(dir, 'none') }), 'tcg');
  t.is(await chooseAccel('kvm', { ...files, kvm: join(dir, 'none') }), 'kvm');
});

test('a device that not everybody may use is used through its group', async (t) => {
  const device = join(await tempDir(t), 'kvm');
  await writeFile(device, '');
  await chmod(device, 0o660);
  t.deepEqual(await deviceGroups('kvm', device), [process.getgid?.() ?? 0]);
  await chmod(device, 0o666);
  t.deepEqual(await deviceGroups('kvm', device), []);
  t.deepEqual(await deviceGroups('tcg', device), []);
});

test('an id that is no UUID never becomes a path', (t) => {
  const layout = createLayout({ dir: '/d', runDir: '/r' });
  for (const id of ['../x', '', `{${ID}}`, ID.toUpperCase(), `${ID}/..`]) t.throws(() => layout.paths(id));
});

test('a run directory whose sockets would be too long is refused', (t) => {
  const longest = `/${'r'.repeat(107 - `/${ID}/qmp-storage.sock`.length - 1)}`;
  t.is(createLayout({ dir: '/d', runDir: longest }).paths(ID).qmpStorage.length, 107);
  t.throws(() => createLayout({ dir: '/d', runDir: `${longest}r` }), { message: /is 1 bytes too long/ });
});

test('disks lie beside the state directory unless told otherwise', (t) => {
  t.deepEqual(createLayout({ dir: '/m/qemu', runDir: '/r' }).diskDirs, ['/m/storage/guests']);
  t.deepEqual(createLayout({ dir: '/m/qemu', runDir: '/r', diskDir: ['/a'] }).diskDirs, ['/a']);
});

test('run states of QEMU are told in the words of the contract', (t) => {
  t.is(stateOf('running'), 'running');
  t.is(stateOf('save-vm'), 'running');
  t.is(stateOf('io-error'), 'paused');
  t.is(stateOf('internal-error'), 'crashed');
  t.is(stateOf('toString'), 'unknown');
});

test('the network cards are read from the help of QEMU', (t) => {
  const help = [
    'Storage devices:',
    'name "nvme", bus PCI',
    '',
    'Network devices:',
    'name "e1000", bus PCI, alias "e1000-82540em", desc "Intel"',
    'name "ne2k_isa", bus ISA',
    'name "rocker", bus PCI, desc "Rocker Switch"',
    'name "rtl8139", bus PCI',
    '',
    'Input devices:',
    'name "x", bus PCI',
  ].join('\n');
  t.deepEqual(parseNicModels(help), ['e1000', 'rtl8139']);
  t.deepEqual(parseNicModels('nothing'), []);
});

test('the number of another process finds no guest: it was started at another time', async (t) => {
  const runDir = await tempDir(t);
  const paths = createLayout({ dir: '/d', runDir }).paths(ID);
  await mkdir(paths.runDir);
  await writeFile(paths.pid, String(process.pid));
  t.is(await findQemu(paths), undefined);
  await writeFile(paths.started, '1\n');
  t.is(await findQemu(paths), undefined);
  t.true(await exited(paths, 0));
  await writeFile(paths.started, `${await startOf(process.pid)}\n`);
  t.is(await findQemu(paths), process.pid);
});

test('a QEMU of which nothing is noted is known by its directory, even a removed one, and no other process is', async (t) => {
  const runDir = await tempDir(t);
  const paths = createLayout({ dir: '/d', runDir }).paths(ID);
  await mkdir(paths.runDir);
  const startIn = async (cwd: string, ...args: string[]): Promise<number | undefined> => {
    const child = spawn('sh', ['-c', 'read line', ...args], { cwd, stdio: ['pipe', 'ignore', 'ignore'] });
    t.teardown(() => child.kill());
    await once(child, 'spawn');
    return child.pid;
  };
  await startIn(paths.runDir, 'sh', 'a shell that somebody left there');
  await startIn(runDir, '-name', 'guest=another');
  t.is(await findAnyQemu(paths), undefined);
  const pid = await startIn(paths.runDir, '-name', `guest=${ID}`);
  t.is(await findAnyQemu(paths), pid);
  await rm(paths.runDir, { recursive: true });
  t.is(await findAnyQemu(paths), pid);
  t.true(await killQemu(paths, 10_000));
  t.is(await findAnyQemu(paths), undefined);
});

test('a serial log that grew too long is moved aside, a short one is left alone', async (t) => {
  const path = join(await tempDir(t), 'serial.log');
  await writeFile(path, 'x'.repeat(100));
  await boundLog(path, 100);
  t.is((await readFile(path, 'utf8')).length, 100);
  await boundLog(path, 99);
  t.is(await readFile(path, 'utf8'), '');
  t.is((await readFile(`${path}.1`, 'utf8')).length, 100);
  await t.notThrowsAsync(boundLog(`${path}.none`));
});

test('a record comes back as it was saved, and one that is broken is left out', async (t) => {
  const dir = await tempDir(t);
  const layout = createLayout({ dir, runDir: '/r' });
  const record = { definition: { id: ID, memory: 1, cpu: 1, nics: [], disks: [] }, crashed: true };
  const other = ID.replace('7', '8');
  await saveRecord(layout.paths(ID), record);
  await saveRecord(layout.paths(other), record);
  await writeFile(layout.paths(other).record, '{');
  t.deepEqual(await loadRecords(layout, silentLog), [record]);
});
