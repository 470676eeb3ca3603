import type { Guest } from '../../../model/guest.js';
import { completeDefinition, type Definition } from '../machine/definition.js';
import { type Entry, type Guests, refuse } from './guests.js';
import { checkHost, clearRun, killAndWait } from './launch.js';
import { endProcess } from './power.js';
import type { Watch } from './watch.js';

const prepare = async (guests: Guests, guest: Guest): Promise<Definition> => {
  const { host } = guests;
  const nicModels = guest.nics?.length ? await host.program.nicModels() : [];
  const definition = completeDefinition(guest, { accel: host.accel, nicModels });
  await checkHost(host, definition);
  return definition;
};

/** Defines a guest, or defines it anew; one that runs already stays as it is. */
export const define = (guests: Guests, guest: Guest): Promise<Entry> =>
  guests.exclusively(guest.id, async () => {
    const known = guests.find(guest.id);
    if (known && (await guests.running(known))) return known;
    return guests.define(await prepare(guests, guest));
  });

/** Defines and starts a guest. When the start fails, what was known of it before is all that stays. */
export const create = (guests: Guests, guest: Guest): Promise<Entry> =>
  guests.exclusively(guest.id, async () => {
    const known = guests.find(guest.id);
    if (known && (await guests.running(known))) return known;
    const before = known?.record.definition;
    const entry = await guests.define(await prepare(guests, guest));
    try {
      await guests.start(entry);
      return entry;
    } catch (error) {
      await endProcess(entry);
      if (before) await guests.define(before);
      else await guests.forget(guest.id);
      throw error;
    }
  });

const wake = async (guests: Guests, entry: Entry, watch: Watch): Promise<void> => {
  const { state } = guests.lastState(entry);
  if (state === 'running') return;
  if (state === 'unknown') {
    throw refuse(entry, 'unknown', 'its QEMU does not answer over QMP: power it off, then start it');
  }
  if (state === 'crashed') throw refuse(entry, 'crashed', 'restart it, or power it off');
  await watch.execute(state === 'suspended' ? 'system_wakeup' : 'cont');
  await guests.state(entry);
};

/** Starts a guest that is off, resumes one that is paused. */
export const run = (guests: Guests, id: string): Promise<Entry> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry);
    if (watch) await wake(guests, entry, watch);
    else await guests.start(entry);
    return entry;
  });

/** Halts a guest's vCPUs: QMP `stop`. */
export const suspend = (guests: Guests, id: string): Promise<Entry> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry);
    if (!watch) throw refuse(entry, guests.lastState(entry).state, 'only a running guest can be suspended');
    entry.orders += 1;
    await guests.setRebooting(entry, false);
    await watch.execute('stop');
    await guests.state(entry);
    return entry;
  });

/** Lets a paused guest go on: QMP `cont`. */
export const resume = (guests: Guests, id: string): Promise<Entry> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry);
    if (!watch) throw refuse(entry, guests.lastState(entry).state, 'start it instead');
    await wake(guests, entry, watch);
    return entry;
  });

/** Powers a guest off and forgets it; what is not there is no error. */
export const remove = async (guests: Guests, id: string): Promise<void> => {
  const known = guests.find(id);
  if (known) known.orders += 1;
  await guests.exclusively(id, async () => {
    const entry = guests.find(id);
    if (entry) await endProcess(entry);
    const paths = guests.host.layout.paths(id);
    await killAndWait(paths);
    await clearRun(guests.host, id, paths);
    await guests.forget(id);
  });
};
