import { errorMessage } from '../../errors.js';

/** No container engine answers. */
export class NoEngineError extends Error {
  override readonly name = 'NoEngineError';

  /** @param chosen the socket of the engine that has answered before */
  constructor(sockets: readonly string[], chosen: string | undefined) {
    super(
      chosen === undefined
        ? `there is no container engine: looked at ${sockets.join(', ')}: start Docker or Podman (systemctl start podman.socket), or give its socket with --engine`
        : `the container engine at ${chosen} does not answer: start it again`,
    );
  }
}

/** The engine answered that it could not do it. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  /** The HTTP status of its answer. */
  readonly status: number;

  constructor(status: number, message: string, cause: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

interface DockerodeError extends Error {
  statusCode?: number;
  json?: { message?: string } | null;
  code?: string;
}

/** What connect(2), and a socket that the engine let go of, fail with. */
const UNREACHABLE = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EACCES']);

/** Whether it was for want of an engine that a call failed. */
export const isUnreachable = (error: unknown): boolean => {
  const { statusCode, code } = error as DockerodeError;
  return statusCode === undefined && code !== undefined && UNREACHABLE.has(code);
};

/** An error of dockerode in the engine's own words; any other as it is. */
export const explainEngineError = (error: unknown): unknown => {
  const { statusCode, json } = error as DockerodeError;
  if (statusCode === undefined) return error;
  const message = json?.message ?? errorMessage(error).replace(/^\(HTTP code \d+\) [^-]*- /, '');
  return new EngineError(statusCode, message.trim(), error);
};
