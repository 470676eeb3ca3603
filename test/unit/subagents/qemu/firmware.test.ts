import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import {
  type FirmwareDescriptor,
  matchingFirmware,
  readDescriptors,
} from '../../../../lib/subagents/qemu/firmware/descriptors.js';
import { Firmware } from '../../../../lib/subagents/qemu/firmware/firmware.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';

const descriptor = (name: string, features: string[] = [], mode?: string): FirmwareDescriptor => ({
  'interface-types': ['uefi'],
  mapping: {
    device: 'flash',
    ...(mode ? { mode } : {}),
    executable: { filename: `${name}-code`, format: 'raw' },
    'nvram-template': { filename: `${name}-vars`, format: 'raw' },
  },
  targets: [{ architecture: 'x86_64', machines: ['pc-i440fx-*', 'pc-q35-*'] }],
  features,
});

const SECURE = ['secure-boot', 'enrolled-keys', 'requires-smm'];

const namesOf = (descriptors: FirmwareDescriptor[], type: string, secureBoot: boolean): string[] =>
  matchingFirmware(descriptors, type, secureBoot).map(({ code }) => code.filename);

test('chooses firmware by its features, for machine types that it fits', (t) => {
  const all = [
    descriptor('enrolled', SECURE),
    descriptor('secure', ['secure-boot', 'requires-smm']),
    descriptor('plain', ['acpi-s3']),
    descriptor('stateless', [], 'stateless'),
    { ...descriptor('arm'), targets: [{ architecture: 'aarch64', machines: ['virt-*'] }] },
    { ...descriptor('old'), 'interface-types': ['bios'] },
  ];
  t.deepEqual(namesOf(all, 'pc-q35-7.2', false), ['plain-code']);
  t.deepEqual(namesOf(all, 'pc-q35-7.2', true), ['enrolled-code']);
  t.deepEqual(namesOf(all, 'microvm', false), []);
});

test('reads descriptors by name; a later directory replaces or hides those of an earlier one', async (t) => {
  const dir = await tempDir(t);
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(join(dir, path, '..'), { recursive: true });
    await writeFile(join(dir, path), text);
  };
  await write('a/60-x.json', JSON.stringify(descriptor('x')));
  await write('a/50-y.json', JSON.stringify(descriptor('y')));
  await write('a/40-z.json', JSON.stringify(descriptor('z')));
  await write('a/README', 'none');
  await write('b/50-y.json', JSON.stringify(descriptor('mine')));
  await write('b/40-z.json', '');
  await write('b/30-broken.json', '{');
  const dirs = [join(dir, 'a'), join(dir, 'b'), join(dir, 'absent')];
  const found = await readDescriptors(dirs, silentLog);
  t.deepEqual(
    found.map(({ mapping }) => mapping.executable?.filename),
    ['mine-code', 'x-code'],
  );
});

test('takes firmware of 4 MB only, whose size is not in its descriptor', async (t) => {
  const dir = await tempDir(t);
  const make = async (name: string, code: number, vars: number): Promise<void> => {
    const at = join(dir, name);
    await writeFile(`${at}-code`, Buffer.alloc(code));
    await writeFile(`${at}-vars`, Buffer.alloc(vars));
    await writeFile(`${at}.json`, JSON.stringify(descriptor(at)));
  };
  const firmware = new Firmware(silentLog, [dir]);
  const wanted = { type: 'pc-q35-7.2', firmware: 'uefi' as const };
  await make('1-small', 2 ** 20, 2 ** 20);
  await writeFile(join(dir, '2-gone.json'), JSON.stringify(descriptor(join(dir, 'gone'))));
  await t.throwsAsync(firmware.find(wanted), { message: /no UEFI firmware of 4 MB: install OVMF/ });
  await make('3-large', 3653632, 540672);
  t.is((await firmware.find(wanted))?.code.filename, join(dir, '3-large-code'));
  t.is(await firmware.find({ ...wanted, firmware: 'bios' }), undefined);
});
