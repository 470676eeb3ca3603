import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import pLimit from 'p-limit';
import { guestKey, Locks } from '../../async/keyed-locks.js';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { Nic } from '../../model/guest.js';
import type { GuestState } from '../../rpc/protocol/messages.js';
import type { GuestStates } from '../../rpc/server/guest-states.js';
import { notFound } from '../shared/errors.js';
import { containerName, GUEST_LABEL, nicsOf } from './definition.js';
import type { Engine } from './engine.js';
import { NoEngineError } from './errors.js';
import { plugNics, unplugNics } from './nics/plug.js';
import { type ContainerState, stateOf } from './state.js';

/** Guests that the engine is asked about at the same time. */
const MAX_REFRESHES = 8;

/** A guest's container as it is at one moment. */
export interface Container {
  id: string;
  state: ContainerState;
  nics: Nic[];
  /** Its first process, 0 when it has none. */
  pid: number;
  /** The id of its image. */
  image: string;
}

const toContainer = (id: string, { State, Config, Image }: ContainerInspectInfo): Container => ({
  id,
  state: stateOf(State),
  nics: nicsOf(Config.Labels),
  pid: State.Pid,
  image: Image,
});

/** The containers of this host that are guests, and their states. The engine is where they are kept. */
export class Containers {
  readonly engine: Engine;
  readonly states: GuestStates;
  readonly #log: Logger;
  readonly #locks = new Locks();

  constructor(engine: Engine, states: GuestStates, log: Logger) {
    this.engine = engine;
    this.states = states;
    this.#log = log;
  }

  /** Runs what changes a guest, one at a time for each guest. */
  exclusively<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#locks.run(guestKey(id), work);
  }

  /** Runs `work` with the engine's handle of a guest's container. */
  with<T>(id: string, work: (container: Docker.Container) => Promise<T>): Promise<T> {
    return this.engine.call((docker) => work(docker.getContainer(containerName(id))));
  }

  /** A guest's container, its state noted; `undefined` when the engine has none. */
  async find(id: string): Promise<Container | undefined> {
    const info = await this.engine.find((docker) => docker.getContainer(containerName(id)).inspect());
    if (!info) return undefined;
    const container = toContainer(id, info);
    this.states.set(id, container.state);
    return container;
  }

  /** @throws `...: not found` when the engine has no container of that guest */
  async get(id: string): Promise<Container> {
    const container = await this.find(id);
    if (container) return container;
    if (this.states.get(id)) this.states.set(id, 'deleted');
    throw notFound(`the container of guest ${id}`);
  }

  /** Finds out how a guest is after something happened to it, and plugs it in or out accordingly. */
  async refresh(id: string): Promise<void> {
    await this.exclusively(id, async () => {
      const container = await this.find(id);
      if (!container) {
        if (this.states.get(id)) this.states.set(id, 'deleted');
        return;
      }
      // One guest that cannot be plugged in is no reason to know nothing of the others.
      await this.plug(container).catch((error) =>
        this.#log.warn({ err: error, guest: id }, errorMessage(error)),
      );
    });
  }

  /** Plugs a container that runs into the host's bridges; takes one that does not out of them. */
  async plug({ id, pid, nics }: Container): Promise<void> {
    if (pid > 0) await plugNics(id, pid, nics);
    else await unplugNics(id, nics);
  }

  /** Finds all guests of the engine; those that it no longer has are deleted ones. */
  async refreshAll(): Promise<void> {
    const filters = { label: [GUEST_LABEL] };
    const list = await this.engine.call((docker) => docker.listContainers({ all: true, filters }));
    const ids = list.flatMap(({ Labels }) => Labels[GUEST_LABEL] ?? []);
    const known = this.states.all().map(({ id }) => id);
    const limit = pLimit(MAX_REFRESHES);
    await limit.map(new Set([...ids, ...known]), (id) => this.#refreshAmongOthers(id));
  }

  /** One guest that cannot be looked at is no reason to know nothing of the others. */
  async #refreshAmongOthers(id: string): Promise<void> {
    try {
      await this.refresh(id);
    } catch (error) {
      if (error instanceof NoEngineError) throw error;
      this.#log.warn({ err: error, guest: id }, errorMessage(error));
      this.states.set(id, 'unknown');
    }
  }

  /** Nobody can tell how the guests are. */
  lose(): void {
    for (const { id } of this.states.all()) this.states.set(id, 'unknown');
  }

  /** How a guest is now. */
  async state(id: string): Promise<GuestState> {
    const { state } = await this.get(id);
    return this.states.set(id, state);
  }
}
