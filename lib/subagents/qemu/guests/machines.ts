import { isDeepStrictEqual } from 'node:util';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { Guest } from '../../../model/guest.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { GuestDetails } from '../../../rpc/protocol/sub-agent-events.js';
import type { GuestStates } from '../../../rpc/server/guest-states.js';
import type { Capabilities } from '../machine/capabilities.js';
import {
  earlierMachine,
  type MachineIdentity,
  machineProblem,
  machineTypeOf,
  machineWarnings,
  newMachine,
  requireCpuModel,
  upgradedMachine,
} from '../machine/identity.js';
import type { QemuProgram } from '../machine/program.js';
import { LOST_TPM } from '../tpm/lost.js';
import { toldWarm } from '../warm/record.js';
import type { Entry } from './entry.js';
import { startMachine, toldSize } from './pending.js';
import type { Watch } from './watch.js';

const QUERY_TIMEOUT_MS = 3000;

/** Asks a running QEMU for its hardware: QMP `qom-get` and `query-kvm`. */
const runningMachine = async (watch: Watch): Promise<MachineIdentity> => {
  const options = { timeoutMs: QUERY_TIMEOUT_MS };
  const qomType = await watch.execute('qom-get', { path: '/machine', property: 'type' }, options);
  const kvm = await watch.execute<{ enabled?: boolean }>('query-kvm', undefined, options);
  const type = machineTypeOf(qomType);
  if (type === undefined) throw new Error('its QEMU reports a machine type that is none of q35');
  return earlierMachine(type, kvm.enabled === true ? 'kvm' : 'tcg');
};

/** @throws when `adopt` has failed */
export const requireMachine = ({ id, record: { machine } }: Entry): MachineIdentity => {
  if (!machine) throw new Error(`guest ${id}: its hardware could not be recorded: see the log`);
  return machine;
};

/** Says which disks wait for their removal. */
const removalWarnings = ({ removing = [] }: Entry['record']): string[] =>
  removing.map(
    (number) =>
      `the guest is to release disk ${number}, at the latest at its next start: remove the disk again then, because its data is still there`,
  );

/** The part of a guest's hardware that the agent and its clients see. */
export const toldMachine = ({
  cpuModel,
  ports: _ports,
  rows: _rows,
  seedBus: _seedBus,
  cdDrives: _cdDrives,
  bootOrder: _bootOrder,
  devices,
  generation: _generation,
  nics: _nics,
  ...machine
}: MachineIdentity): Pick<Guest, 'cpuModel' | 'machine' | 'devices'> => ({
  ...{ cpuModel, machine },
  ...(devices ? { devices } : {}),
});

/** A guest's hardware before and after an upgrade. */
export interface MachineUpgrade {
  before: MachineIdentity;
  after: MachineIdentity;
}

/** Keeps the hardware of guests as it is, and warns of what this host's QEMU cannot give them. */
export class Machines {
  readonly #program: QemuProgram;
  readonly #states: GuestStates;
  readonly #log: Logger;

  constructor(program: QemuProgram, states: GuestStates, log: Logger) {
    this.#program = program;
    this.#states = states;
    this.#log = log;
  }

  /**
   * Fixes the hardware of a new guest. A guest that has hardware already keeps it, except for a CPU model that is named.
   * @throws {Refusal} `invalid` when this host cannot give it
   */
  async design(guest: Guest, own?: MachineIdentity): Promise<MachineIdentity> {
    const { cpuModel } = guest;
    const { accel } = this.#program;
    if (!own) return newMachine(guest, await this.#program.capabilities(), accel);
    if (!cpuModel || cpuModel === own.cpuModel) return own;
    requireCpuModel(cpuModel, await this.#program.capabilities(), accel);
    return { ...own, cpuModel };
  }

  /**
   * Records the hardware of a guest of a version that recorded none: what its QEMU says while it runs, and otherwise
   * what `q35` stands for now, which that version would have started it with. Logs a failure; the next call tries again.
   */
  async adopt(entry: Entry): Promise<void> {
    if (entry.record.machine) return;
    try {
      const { accel } = this.#program;
      const machine = entry.watch
        ? await runningMachine(entry.watch)
        : earlierMachine((await this.#program.capabilities()).newest, accel);
      await entry.update({ machine });
    } catch (error) {
      this.#log.warn({ err: error, guest: entry.id }, `hardware not recorded: ${errorMessage(error)}`);
    }
  }

  /**
   * Returns the hardware that a guest that is off starts with: all that waited for the start applies.
   * @throws {Refusal} `conflict` when this host's QEMU cannot give it
   */
  async prepare(entry: Entry): Promise<MachineIdentity> {
    await this.adopt(entry);
    const capabilities = await this.#program.capabilities();
    const { next, ...current } = requireMachine(entry);
    const ready = { ...startMachine(current, entry.record), ...next };
    this.#requireGiven(entry, ready, capabilities);
    return ready;
  }

  /**
   * Returns the hardware with which the memory of a guest was saved. An upgrade waits for a later start.
   * @throws {Refusal} as `prepare`
   */
  async prepareResumed(entry: Entry): Promise<MachineIdentity> {
    const { next: _, ...current } = requireMachine(entry);
    this.#requireGiven(entry, current, await this.#program.capabilities());
    return current;
  }

  #requireGiven({ id }: Entry, machine: MachineIdentity, capabilities: Capabilities): void {
    const problem = machineProblem(machine, capabilities, this.#program.accel);
    if (problem !== undefined) throw new Refusal('conflict', `guest ${id} does not start: ${problem}`);
  }

  /**
   * Returns a guest's hardware before and after an upgrade, which waits for the next start when the guest runs.
   * @throws {Refusal} `invalid` when this host cannot give it
   */
  async upgradeOf(entry: Entry, wish: { type?: string; cpuModel?: string }): Promise<MachineUpgrade> {
    const capabilities = await this.#program.capabilities();
    const before = requireMachine(entry);
    const { next: _, ...current } = before;
    const next = upgradedMachine(current, wish, capabilities, this.#program.accel);
    const changed = { ...current, ...next };
    const isLater = entry.watch !== undefined && !isDeepStrictEqual(changed, current);
    return { before, after: isLater ? { ...current, next } : changed };
  }

  /** Tells a guest's size and hardware to the agent, and what keeps the guest from starting, now or one day. */
  async describe(entry: Entry): Promise<void> {
    this.#states.describe(entry.id, await this.#detailsOf(entry));
  }

  async #detailsOf({ id, record, hasLostTpm }: Entry): Promise<GuestDetails> {
    const { machine, definition, warm } = record;
    const size = toldSize(record);
    if (!machine) return size;
    const { accel } = this.#program;
    const outdated = await this.#program
      .capabilities()
      .then((capabilities) => machineWarnings(machine, capabilities, accel))
      .catch((error) => {
        this.#log.warn({ err: error, guest: id }, errorMessage(error));
        return [];
      });
    const lost = hasLostTpm ? [LOST_TPM] : [];
    const warnings = [...lost, ...outdated, ...removalWarnings(record)];
    return {
      ...size,
      ...toldMachine(machine),
      // Those of a guest whose NICs never changed are as the agent created them.
      ...(machine.nics ? { nics: definition.nics } : {}),
      ...(warnings.length > 0 ? { warnings } : {}),
      ...(warm ? { warm: toldWarm(warm) } : {}),
    };
  }
}
