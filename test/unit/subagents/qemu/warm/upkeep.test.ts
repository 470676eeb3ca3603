import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { completeWarmRequest } from '../../../../../lib/model/warm.js';
import type { Entry } from '../../../../../lib/subagents/qemu/guests/entry.js';
import type { Guests } from '../../../../../lib/subagents/qemu/guests/guests.js';
import { type WarmRecord, warmFiles } from '../../../../../lib/subagents/qemu/warm/record.js';
import { recoverWarm, WarmUpkeep } from '../../../../../lib/subagents/qemu/warm/upkeep.js';
import { cool } from '../../../../../lib/subagents/qemu/warm/warm.js';
import { DEFINITION, hostWithoutQemu } from '../../../../helpers/fake-qemu.js';
import { silentLog } from '../../../../helpers/sub-agents.js';
import { until } from '../../../../helpers/wait.js';

const REQUEST = completeWarmRequest({ ready: { seconds: 1 } });

const WARM: WarmRecord = {
  ...{ id: 'w1', at: '2026-11-30T16:00:00.000Z', ...REQUEST, memory: 32, size: 20, bytes: 5, failures: 0 },
  ...{ qemu: '7.2.22', accel: 'tcg', cpuModel: 'max', machine: 'pc-q35-7.2' },
  hardware: {
    ...{ size: { memory: 32, cpu: 1 }, disks: {}, nics: {}, cdroms: {}, hasSeed: false },
    machine: { type: 'pc-q35-7.2', layout: 2, cpuModel: 'max', firmware: 'bios' },
  } as unknown as WarmRecord['hardware'],
};

interface World {
  guests: Guests;
  template: Entry;
  /** The directory of its memory. */
  dir: string;
}

/** A template with files of memory, on a host whose QEMU does not work. */
const makeWorld = async (t: ExecutionContext): Promise<World> => {
  const guests = await hostWithoutQemu(t);
  const template = await guests.define(DEFINITION);
  const { dir, ram, state } = warmFiles(template.paths);
  await mkdir(dir);
  for (const path of [ram, state]) await writeFile(path, 'bytes');
  return { guests, template, dir };
};

test('discards what an interrupted attempt has left', async (t) => {
  const { guests, template, dir } = await makeWorld(t);
  await template.update({ warming: true });
  await recoverWarm(guests, silentLog);
  t.false(existsSync(dir));
  t.is(template.record.warming, undefined);
});

test('discards files without a record and a record without files, and keeps both otherwise', async (t) => {
  const { guests, template, dir } = await makeWorld(t);
  await template.update({ warm: WARM });
  await recoverWarm(guests, silentLog);
  t.true(existsSync(dir));
  await template.update({ warm: undefined });
  await recoverWarm(guests, silentLog);
  t.false(existsSync(dir));
  await template.update({ warm: WARM });
  await recoverWarm(guests, silentLog);
  t.is(template.record.warm, undefined);
});

test('leaves templates warm while QEMU does not work', async (t) => {
  const { guests, template, dir } = await makeWorld(t);
  await template.update({ warm: WARM });
  const upkeep = new WarmUpkeep(guests, silentLog);
  t.teardown(() => upkeep.close());
  await upkeep.review();
  await guests.exclusively(template.id, async () => {});
  t.is(template.record.warm?.id, 'w1');
  t.true(existsSync(dir));
});

test('a template that cannot be warmed again is cold, and is not tried again', async (t) => {
  const { guests, template, dir } = await makeWorld(t);
  await template.update({ warm: WARM });
  const upkeep = new WarmUpkeep(guests, silentLog);
  t.teardown(() => upkeep.close());
  guests.warmStarts.onBad(template);
  await until('it is cold', () => template.record.warm === undefined);
  await guests.exclusively(template.id, async () => {});
  t.is(template.record.rewarming, undefined);
  t.false(existsSync(dir));
});

test('what was being warmed again when the sub-agent ended is tried again by the next one', async (t) => {
  const { guests, template } = await makeWorld(t);
  await template.update({ rewarming: REQUEST, warming: true });
  await recoverWarm(guests, silentLog);
  t.deepEqual(template.record.rewarming, REQUEST);
  const upkeep = new WarmUpkeep(guests, silentLog);
  t.teardown(() => upkeep.close());
  await upkeep.review();
  // This host has no QEMU: the attempt fails, and is the last one.
  await until('it was tried', () => template.record.rewarming === undefined);
});

test('a sub-agent that ends leaves it to the next one to warm a template again', async (t) => {
  const { guests, template } = await makeWorld(t);
  await template.update({ rewarming: REQUEST });
  const upkeep = new WarmUpkeep(guests, silentLog);
  upkeep.close();
  await upkeep.review();
  await guests.exclusively(template.id, async () => {});
  t.deepEqual(template.record.rewarming, REQUEST);
});

test('a template that is cooled is not warmed again', async (t) => {
  const { guests, template } = await makeWorld(t);
  await template.update({ rewarming: REQUEST });
  await cool(guests, template.id);
  t.is(template.record.rewarming, undefined);
});
