import Docker from 'dockerode';
import { EngineError, explainEngineError, isUnreachable, NoEngineError } from './errors.js';

const PING_TIMEOUT_MS = 5000;

const responds = async (socketPath: string): Promise<boolean> => {
  try {
    await new Docker({ socketPath, timeout: PING_TIMEOUT_MS }).ping();
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

  /**
   * Looks for an engine, or checks that the chosen one responds.
   * @throws {NoEngineError}
   */
  async connect(): Promise<Docker> {
    for (const socketPath of this.#chosen ? [this.#chosen] : this.#sockets) {
      if (!(await responds(socketPath))) continue;
      this.#chosen ??= socketPath;
      this.#docker ??= new Docker({ socketPath });
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
      throw this.absence;
    }
  }

  /** As `call`, but resolves with `undefined` when the engine responds 404. */
  async find<T>(work: (docker: Docker) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.call(work);
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return undefined;
      throw error;
    }
  }
}
