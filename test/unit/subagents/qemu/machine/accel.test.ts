import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { chooseAccel, deviceGroups } from '../../../../../lib/subagents/qemu/machine/accel.js';
import { tempDir } from '../../../../helpers/temp.js';

test('chooses KVM only when the CPU has virtualization and the device opens', async (t) => {
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

test('returns the group of a KVM device that only its group may open', async (t) => {
  const device = join(await tempDir(t), 'kvm');
  await writeFile(device, '');
  await chmod(device, 0o660);
  t.deepEqual(await deviceGroups('kvm', device), [process.getgid?.() ?? 0]);
  await chmod(device, 0o666);
  t.deepEqual(await deviceGroups('kvm', device), []);
  t.deepEqual(await deviceGroups('tcg', device), []);
});
