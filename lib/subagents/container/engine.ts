import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { errorMessage } from '../../errors.js';
import type { HostProgram } from '../../model/host-program.js';
import { Backoff } from '../../portable/backoff.js';
import { isListening } from '../../rpc/protocol/service-address.js';
import { explainEngineError, isFault, isNotFound, isUnreachable, NoEngineError } from './errors.js';

const PING_TIMEOUT_MS = 5000;
/** How often a list is read before its error counts. */
const LIST_ATTEMPTS = 12;
const FIRST_RETRY_MS = 5;
const MAX_RETRY_MS = 200;

/** The programs whose Docker Engine APIs differ. */
export type EngineKind = 'docker' | 'podman';

/** A program that serves the Docker Engine API. */
export interface EngineProgram {
  kind: EngineKind;
  /** The version of the Docker Engine API that it speaks: 1.44 is `[1, 44]`. */
  api: readonly [number, number];
  /** Whether it has `ContainerUpdate` of that API. */
  updates: boolean;
}

/** The first Podman with `ContainerUpdate`. All versions say that they speak 1.41. */
const PODMAN_UPDATES = [5, 4] as const;

const numbersOf = (version: string): [number, number] => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return [major, minor];
};

const isAtLeast = ([major, minor]: readonly number[], [least = 0, of = 0]: readonly number[]): boolean =>
  (major ?? 0) > least || (major === least && (minor ?? 0) >= of);

/** The component that only Podman names in `SystemVersion` of the Docker Engine API. */
const PODMAN = 'Podman Engine';

/** Loads the client only on hosts with an engine: it takes several MB. */
const clientAt = async (options: Docker.DockerOptions): Promise<Docker> =>
  new (await import('dockerode')).default(options);

const responds = async (socketPath: string): Promise<boolean> => {
  if (!(await isListening({ socket: socketPath }))) return false;
  try {
    await (await clientAt({ socketPath, timeout: PING_TIMEOUT_MS })).ping();
    return true;
  } catch {
    return false;
  }
};

/** The container engine of this host, which speaks the Docker Engine API on a unix socket. */
export class Engine {
  readonly #sockets: readonly string[];
  /** The first socket that responded. It never changes, because another engine has other containers. */
  #chosen: string | undefined;
  #docker: Docker | undefined;
  #program: EngineProgram | undefined;

  /** @param sockets paths of sockets, tried in this order */
  constructor(sockets: readonly string[]) {
    this.#sockets = sockets;
  }

  /** The socket of the engine; `undefined` before one has responded. */
  get socket(): string | undefined {
    return this.#chosen;
  }

  /** The error for when no engine responds. */
  get absence(): NoEngineError {
    return new NoEngineError(this.#sockets, this.#chosen);
  }

  /** What a failure of this engine means, for the status of the service. */
  problemOf(error: unknown): string {
    return error instanceof NoEngineError && this.#chosen === undefined
      ? `no container engine at ${this.#sockets.join(', ')}: containers cannot run`
      : errorMessage(error);
  }

  /**
   * Looks for an engine, or checks that the chosen one responds.
   * @throws {NoEngineError}
   */
  async connect(): Promise<Docker> {
    for (const socketPath of this.#chosen ? [this.#chosen] : this.#sockets) {
      if (!(await responds(socketPath))) continue;
      this.#chosen ??= socketPath;
      this.#docker ??= await clientAt({ socketPath });
      return this.#docker;
    }
    this.#docker = undefined;
    throw this.absence;
  }

  /**
   * Runs `work` with the engine.
   * @throws {NoEngineError} when no engine responds
   * @throws {EngineError} when the engine reports a failure
   */
  async call<T>(work: (docker: Docker) => Promise<T>): Promise<T> {
    const docker = this.#docker ?? (await this.connect());
    try {
      return await work(docker);
    } catch (error) {
      if (!isUnreachable(error)) throw explainEngineError(error);
      this.#docker = undefined;
      // An engine that comes back may be of another version.
      this.#program = undefined;
      throw this.absence;
    }
  }

  /** Asks which program the engine is, once until it is gone. */
  async program(): Promise<EngineProgram> {
    if (this.#program) return this.#program;
    const { Components = [], ApiVersion } = await this.call((docker) => docker.version());
    const podman = Components.find(({ Name }) => Name === PODMAN);
    this.#program = {
      kind: podman ? 'podman' : 'docker',
      api: numbersOf(ApiVersion),
      updates: !podman || isAtLeast(numbersOf(podman.Version), PODMAN_UPDATES),
    };
    return this.#program;
  }

  /** Asks for the name and the version of the engine, which an upgrade changes. */
  async about(): Promise<HostProgram> {
    const { Components = [], Version } = await this.call((docker) => docker.version());
    const podman = Components.some(({ Name }) => Name === PODMAN);
    return { name: podman ? 'Podman' : 'Docker', version: Version };
  }

  async kind(): Promise<EngineKind> {
    return (await this.program()).kind;
  }

  /** As `call`, but resolves with `undefined` when the engine responds 404. */
  async find<T>(work: (docker: Docker) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.call(work);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * As `call`, for a list. Reads it again when it fails: Podman's lists fail, for many different reasons, when another
   * object of the list is created or removed meanwhile.
   */
  async list<T>(work: (docker: Docker) => Promise<T[]>): Promise<T[]> {
    const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.call(work);
      } catch (error) {
        if (attempt === LIST_ATTEMPTS || !isFault(error)) throw error;
      }
      await delay(backoff.next());
    }
  }
}
