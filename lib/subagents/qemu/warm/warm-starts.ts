import type { FileHandle } from 'node:fs/promises';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { hardwareOf } from '../checkpoint/hardware.js';
import { type Hardware, hardwareChanges } from '../checkpoint/hardware-changes.js';
import type { Entry } from '../guests/entry.js';
import { generationOf } from '../guests/generation.js';
import type { Host } from '../guests/launch.js';
import { requireMachine } from '../guests/machines.js';
import type { StartOptions } from '../guests/power-options.js';
import { seedDocuments } from '../machine/seed/documents.js';
import { LoadError, requireWhole } from '../saved-memory/load.js';
import { type Resumption, type WarmRecord, warmFiles } from './record.js';

/** After so many, the template is warmed again. */
const MAX_FAILURES = 2;

/** A template's memory that fits a guest that is to start. */
export interface FoundWarm {
  template: Entry;
  warm: WarmRecord;
  ram: FileHandle;
  /** The file of the state of the devices. */
  state: string;
}

export const resumptionOf = ({ template, warm: { id, size, at, ready } }: FoundWarm): Resumption => ({
  ...{ template: template.id, warm: id, size, at: Date.parse(at) },
  ...{ mustRespond: 'agent' in ready, isSettled: false },
});

/** Leaves out what the clones of a template have of their own: NICs, which are plugged in, with their places. */
const comparable = ({ nics: _, machine: { ports, ...machine }, ...hardware }: Hardware): Hardware => ({
  ...hardware,
  nics: {},
  machine: {
    ...machine,
    ports: Object.fromEntries(Object.entries(ports).filter(([id]) => !id.startsWith('nic'))),
  },
});

/**
 * Returns what of a guest's hardware differs from the template's, in words; `undefined` when nothing does.
 * @param hasSeed whether the guest's next start has a cloud-init seed
 */
const hardwareChange = async (
  warm: WarmRecord,
  entry: Entry,
  hasSeed: boolean,
): Promise<string | undefined> => {
  const hardware = { ...(await hardwareOf(entry)), hasSeed };
  return hardwareChanges(comparable(warm.hardware), comparable(hardware))[0];
};

const willHaveSeed = ({ record: { definition, seedRevision, machine } }: Entry): boolean =>
  seedDocuments(definition, seedRevision, machine?.nics) !== undefined;

/**
 * Returns why this host can no longer use a template's memory; `undefined` when it can. QEMU compares no CPU models, and
 * another version may have changed a device.
 */
const hostChange = async (
  { program }: Pick<Host, 'program'>,
  warm: WarmRecord,
  template: Entry,
): Promise<string | undefined> => {
  const { version } = await program.capabilities();
  if (warm.qemu !== version) return `it was warmed with QEMU ${warm.qemu}, and this host has ${version}`;
  if (warm.accel !== program.accel)
    return `it was warmed with ${warm.accel}, and this host has ${program.accel}`;
  const { type, cpuModel } = requireMachine(template);
  if (warm.machine !== type) return `it was warmed as ${warm.machine}, and is ${type}`;
  if (warm.cpuModel !== cpuModel) return `it was warmed with CPU model ${warm.cpuModel}, and has ${cpuModel}`;
  return undefined;
};

/** Returns why no clone of a template can use its memory any longer; `undefined` when clones can. */
export const templateChange = async (
  host: Pick<Host, 'program'>,
  warm: WarmRecord,
  template: Entry,
): Promise<string | undefined> => {
  const changed = await hostChange(host, warm, template);
  if (changed !== undefined) return changed;
  // Its seed is another one without NICs.
  return hardwareChange(warm, template, warm.hardware.hasSeed);
};

/** Finds the memory that first starts of clones resume with, and counts those that fail. */
export class WarmStarts {
  readonly #host: Host;
  readonly #find: (id: string) => Entry | undefined;
  readonly #log: Logger;
  /** Called when a template is to be warmed again. */
  onBad: (template: Entry) => void = () => undefined;

  constructor(host: Host, find: (id: string) => Entry | undefined, log: Logger) {
    this.#host = host;
    this.#find = find;
    this.#log = log;
  }

  /**
   * Returns the memory that a guest's first start resumes with; `undefined` for any other start, and, with a note, when
   * the memory does not fit.
   */
  async find(entry: Entry, { boot, note }: StartOptions): Promise<FoundWarm | undefined> {
    const { warmFrom } = entry.record;
    if (!warmFrom) return undefined;
    try {
      const template = this.#find(warmFrom.template);
      const warm = template?.record.warm;
      if (!template || warm?.id !== warmFrom.warm)
        throw new LoadError(`template ${warmFrom.template} was warmed again, cooled or deleted since`);
      const reason = boot === undefined ? await this.#misfit(entry, template, warm) : `it boots from ${boot}`;
      if (reason !== undefined) throw new LoadError(reason);
      const { state } = warmFiles(template.paths);
      await requireWhole(state, warm);
      return { template, warm, ram: await this.#open(entry, template, warm), state };
    } catch (error) {
      note?.(`the guest boots, instead of resuming with the memory of its template: ${errorMessage(error)}`);
      await entry.update({ warmFrom: undefined });
      return undefined;
    }
  }

  async #misfit(entry: Entry, template: Entry, warm: WarmRecord): Promise<string | undefined> {
    const { diskDirs } = this.#host.layout;
    if (warm.generation !== (await generationOf(template, diskDirs)))
      return 'the template was rolled back since it was warmed';
    if ((await generationOf(entry, diskDirs)) !== undefined) return 'the guest was rolled back';
    const changed = await hostChange(this.#host, warm, template);
    if (changed !== undefined) return changed;
    if (entry.record.pending || entry.record.machine?.next)
      return 'changes of its hardware wait for this start';
    const difference = await hardwareChange(warm, entry, willHaveSeed(entry));
    return difference === undefined ? undefined : `${difference}, compared with the template`;
  }

  /** Opens the shared memory. The template is not locked: it may be warmed again, cooled or deleted meanwhile. */
  async #open(entry: Entry, template: Entry, warm: WarmRecord): Promise<FileHandle> {
    const { sharedRam } = this.#host;
    const { ram } = warmFiles(template.paths);
    const file = await sharedRam.open(template.id, warm, ram, { user: entry.id });
    if (this.#find(template.id) === template && template.record.warm?.id === warm.id) return file;
    sharedRam.leave(entry.id);
    await sharedRam.release(template.id);
    throw new LoadError(`template ${template.id} was warmed again, cooled or deleted meanwhile`);
  }

  /** Notes that a guest did not resume. */
  async failed(
    entry: Entry,
    { template: templateId, warm }: Resumption,
    error: unknown,
    { note }: StartOptions,
  ): Promise<void> {
    const reason = errorMessage(error);
    this.#log.warn({ guest: entry.id, template: templateId }, `guest did not resume: ${reason}`);
    note?.(`the guest boots, because it did not resume with the memory of its template: ${reason}`);
    await entry.update({ warmFrom: undefined });
    const template = this.#find(templateId);
    const now = template?.record.warm;
    if (!template || now?.id !== warm) return;
    const failures = now.failures + 1;
    await template.update({ warm: { ...now, failures } });
    if (failures >= MAX_FAILURES) this.onBad(template);
  }
}
