import Docker from 'dockerode';
import { EngineError, explainEngineError, isUnreachable, NoEngineError } from './errors.js';

const PING_TIMEOUT_MS = 5000;

const answers = async (socketPath: string): Promise<boolean> => {
  try {
    await new Docker({ socketPath, timeout: PING_TIMEOUT_MS }).ping();
    return true;
  } catch {
    return false;
  }
};

/** The container engine of this host: whatever speaks the Docker Engine API on one of some unix sockets. */
export class Engine {
  readonly #sockets: readonly string[];
  /** The first one that ever answered: another engine has other containers, so it is never changed. */
  #chosen: string | undefined;
  #docker: Docker | undefined;

  /** @param sockets paths, in the order in which they are tried */
  constructor(sockets: readonly string[]) {
    this.#sockets = sockets;
  }

  /** Where the engine answered, if it ever did. */
  get socket(): string | undefined {
    return this.#chosen;
  }

  /** What there is to say when no engine answers. */
  get absence(): NoEngineError {
    return new NoEngineError(this.#sockets, this.#chosen);
  }

  /**
   * Makes sure that the engine answers, or looks for one.
   * @throws {NoEngineError}
   */
  async connect(): Promise<Docker> {
    for (const socketPath of this.#chosen ? [this.#chosen] : this.#sockets) {
      if (!(await answers(socketPath))) continue;
      this.#chosen ??= socketPath;
      this.#docker ??= new Docker({ socketPath });
      return this.#docker;
    }
    this.#docker = undefined;
    throw this.absence;
  }

  /**
   * Runs `work` with the engine.
   * @throws {NoEngineError} when no engine answers
   * @throws {EngineError} when the engine answers that it failed
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

  /** The same, with `undefined` in place of the error that what is asked for is not there. */
  async find<T>(work: (docker: Docker) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.call(work);
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return undefined;
      throw error;
    }
  }
}
