import test from 'ava';
import type { Firmware } from '../../../../../lib/model/firmware.js';
import type { Guest } from '../../../../../lib/model/guest.js';
import { chooseFirmware } from '../../../../../lib/subagents/storage/disks/firmware.js';

/** Chooses for a guest with a machine, from an image that boots with some firmware. */
const choose = (boots: Firmware[], machine?: Guest['machine']) =>
  chooseFirmware(
    { learn: async () => {}, find: () => ({ kind: 'disk', boots }) },
    { id: 'a', ...(machine ? { machine } : {}) },
    [{ image: 'debian' }],
  );

test('a guest that names no firmware gets UEFI from an image that boots with nothing else', async (t) => {
  t.like(await choose(['uefi']), {
    guest: { machine: { firmware: 'uefi' } },
    message: 'the guest gets UEFI, because its image debian boots with nothing else',
  });
  for (const boots of [['bios'], ['bios', 'uefi'], []] satisfies Firmware[][])
    t.deepEqual(await choose(boots), { guest: { id: 'a' } });
});

test('warns of a chosen firmware that cannot boot the image, and keeps it', async (t) => {
  for (const [boots, machine, message] of [
    [['bios'], { firmware: 'uefi' }, /^the guest gets UEFI, but its image debian boots with a BIOS only: /],
    [['bios'], { secureBoot: true }, /^the guest gets UEFI, .* unless its firmware is changed to bios$/],
    [['uefi'], { firmware: 'bios' }, /^the guest gets a BIOS, but its image debian boots with UEFI only: /],
  ] satisfies [Firmware[], Guest['machine'], RegExp][]) {
    const choice = await choose(boots, machine);
    t.deepEqual(choice.guest.machine, machine);
    t.regex(choice.message ?? '', message);
  }
});

test('says nothing of firmware that boots the image, nor of an image of which nothing is known', async (t) => {
  for (const boots of [['uefi'], ['bios', 'uefi'], []] satisfies Firmware[][])
    t.is((await choose(boots, { firmware: 'uefi' })).message, undefined);
});
