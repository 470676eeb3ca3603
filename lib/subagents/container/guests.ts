import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import pLimit from 'p-limit';
import { guestKey, Locks } from '../../async/keyed-locks.js';
import { errorMessage } from '../../errors.js';
import { exists } from '../../files/exists.js';
import type { Logger } from '../../log.js';
import type { HealthStatus } from '../../model/program-run.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { GuestState } from '../../rpc/protocol/sub-agent-events.js';
import type { GuestStates } from '../../rpc/server/guest-states.js';
import { notFound } from '../shared/errors.js';
import { belongsElsewhere, GuestClaims } from '../shared/host/guest-claims.js';
import { guestPath, type HostRegistry } from '../shared/host/registry.js';
import { PORTS_PENDING, type SwitchPorts } from '../shared/network/switch-ports.js';
import { type Container, toContainer } from './container.js';
import { containerName, GUEST_LABEL, OWNER_LABEL } from './definition.js';
import type { Engine } from './engine.js';
import { NoEngineError } from './errors.js';
import { findContainer, findNamed } from './lookup.js';
import { plugNics, unplugNics } from './nics/plug.js';
import { DEFAULT_POLICY, type Policy } from './policy.js';
import { VolumeStore } from './volumes/store.js';

const isReplaced = (id: string): Error =>
  new Refusal('conflict', `the container of guest ${id} is being made anew: try again`);

/** How many guests are inspected at the same time. */
const MAX_REFRESHES = 8;

interface GuestsDeps {
  engine: Engine;
  registry: HostRegistry;
  states: GuestStates;
  ports: SwitchPorts;
  log: Logger;
  policy?: Policy;
}

/** The guests of this host: their containers, which the engine stores, and their states. */
export class Guests {
  readonly engine: Engine;
  readonly states: GuestStates;
  /** The guests that the engine is stopping. */
  readonly stopping = new Set<string>();
  /** The guests whose containers change places, so that none may be there for a moment. */
  readonly replacing = new Set<string>();
  /** The numbers of poweroffs and deletes that wait or run, by guest: they end a stop. */
  readonly preemptions = new Map<string, number>();
  /** The health of programs whose checks the sub-agent runs itself. */
  readonly health = new Map<string, HealthStatus>();
  readonly ports: SwitchPorts;
  readonly claims: GuestClaims;
  /** The sub-agent's state directory, which the labels of its containers name. */
  readonly owner: string;
  readonly policy: Policy;
  readonly volumes: VolumeStore;
  readonly log: Logger;
  readonly #locks = new Locks();
  /** The engine's ids of the containers, as last found. */
  readonly #engineIds = new Map<string, string>();

  constructor({ engine, registry, states, ports, log, policy = DEFAULT_POLICY }: GuestsDeps) {
    this.engine = engine;
    this.claims = new GuestClaims(registry);
    this.owner = registry.own.dir;
    this.policy = policy;
    this.volumes = new VolumeStore(engine, this.owner);
    this.states = states;
    this.ports = ports;
    this.log = log;
  }

  /** Runs changes to a guest one at a time. */
  exclusively<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#locks.run(guestKey(id), work);
  }

  /**
   * Runs `work` with the engine's handle of a guest's container: by its id, since another container may have its name.
   * @throws `...: not found` when the engine has no container of the guest
   */
  async withContainer<T>(id: string, work: (container: Docker.Container) => Promise<T>): Promise<T> {
    const engineId = this.#engineIds.get(id) ?? (await this.get(id)).engineId;
    return this.engine.call((docker) => work(docker.getContainer(engineId)));
  }

  /**
   * Claims a guest's id before its container exists.
   * @throws {Refusal} `conflict` when another agent has the guest or its container
   */
  async claim(id: string): Promise<void> {
    const info = await findNamed(this.engine, id, containerName(id));
    const other = info && (await this.#foreignOwner(info));
    if (other !== undefined) throw belongsElsewhere(id, dirname(other));
    await this.claims.claim(id, () => mkdir(guestPath({ dir: this.owner }, id), { recursive: true }));
  }

  /** Forgets a guest without a container. */
  async forget(id: string): Promise<void> {
    await rm(guestPath({ dir: this.owner }, id), { recursive: true, force: true });
    this.states.remove(id);
  }

  /** Returns the owner of a container whose guest belongs to another agent that uses the same engine. */
  async #foreignOwner({ Config }: ContainerInspectInfo): Promise<string | undefined> {
    const owner = Config.Labels[OWNER_LABEL];
    return owner === undefined || owner === this.owner || !(await exists(owner)) ? undefined : owner;
  }

  /**
   * Inspects a guest's container and records its state; `undefined` when the engine has no container, or it belongs to
   * another agent.
   */
  async find(id: string): Promise<Container | undefined> {
    const info = await findContainer(this.engine, id);
    if (!info || (await this.#foreignOwner(info)) !== undefined) {
      this.#engineIds.delete(id);
      return undefined;
    }
    const container = toContainer(id, info);
    this.#engineIds.set(id, container.engineId);
    this.#setState(container);
    return container;
  }

  /**
   * As `find`.
   * @throws `...: not found` when the engine has no container of the guest
   */
  async get(id: string): Promise<Container> {
    const container = await this.find(id);
    if (container) return container;
    if (this.replacing.has(id)) throw isReplaced(id);
    this.#setDeleted(id);
    throw notFound(`the container of guest ${id}`);
  }

  /** Updates a guest's state and leaves its NICs alone. */
  async observe(id: string): Promise<void> {
    await this.exclusively(id, () => this.find(id));
  }

  /** Updates a guest's state after an event, and connects its NICs or removes them accordingly. */
  async refresh(id: string): Promise<void> {
    await this.exclusively(id, async () => {
      const container = await this.find(id);
      if (!container) {
        this.#setDeleted(id);
        await this.ports.removeLater(id, []);
        return;
      }
      // A failure to connect its NICs does not change the guest's state.
      await this.plug(container).catch((error) =>
        this.log.warn({ err: error, guest: id }, errorMessage(error)),
      );
    });
  }

  /** Connects a running container to the host's bridges, or removes the devices of a stopped one. */
  async plug({ id, pid, nics }: Container): Promise<void> {
    if (pid > 0) await plugNics(id, pid, nics, this.ports);
    else await this.unplug({ id, nics });
  }

  #setState({ id, state, reason, program }: Container): GuestState {
    const pending = this.ports.isPending(id) ? [PORTS_PENDING] : [];
    const words = [reason, ...pending].filter(Boolean).join('; ') || undefined;
    const health = program?.health && (this.health.get(id) ?? program.health);
    const run = program && { ...program, ...(health ? { health } : {}) };
    return this.states.set(id, state, 0, words, run ? { program: run } : {});
  }

  #setDeleted(id: string): void {
    if (this.states.get(id)) this.states.set(id, 'deleted', 0, undefined, {});
  }

  /** What was known of its program stays, but for its health, which nobody can tell now. */
  #setUnknown(id: string): void {
    const { health: _, ...program } = this.states.get(id)?.program ?? {};
    this.states.set(id, 'unknown', 0, undefined, program.started ? { program } : {});
  }

  /** Removes the devices of a stopped container from the host's bridges. */
  unplug({ id, nics }: Pick<Container, 'id' | 'nics'>): Promise<void> {
    return unplugNics(id, nics, this.ports);
  }

  /** Updates the states of all guests. Guests that the engine no longer has are `deleted`. */
  async refreshAll(): Promise<void> {
    const filters = { label: [GUEST_LABEL] };
    const list = await this.engine.list((docker) => docker.listContainers({ all: true, filters }));
    const ids = list.flatMap(({ Labels }) => Labels[GUEST_LABEL] ?? []);
    const known = this.states.all().map(({ id }) => id);
    const limit = pLimit(MAX_REFRESHES);
    await limit.map(new Set([...ids, ...known]), (id) => this.#refreshOrLog(id));
  }

  /** Records a guest that cannot be inspected as `unknown`, so that it does not stop the others. */
  async #refreshOrLog(id: string): Promise<void> {
    try {
      await this.refresh(id);
    } catch (error) {
      if (error instanceof NoEngineError) throw error;
      this.log.warn({ err: error, guest: id }, errorMessage(error));
      this.#setUnknown(id);
    }
  }

  /** Records all guests as `unknown`, when the engine is gone. */
  markUnknown(): void {
    for (const { id } of this.states.all()) this.#setUnknown(id);
  }

  /** Asks the engine for a guest's current state. */
  async state(id: string): Promise<GuestState> {
    return this.#setState(await this.get(id));
  }
}
