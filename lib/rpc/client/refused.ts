import type { Readable } from 'node:stream';
import { AgentError, badResponse, serviceFailed } from '../../errors.js';
import type { UpgradeRefused } from '../../http/websocket/dial.js';
import { kindOfError, kindOfStatus, type RefusalKind } from '../protocol/refusal.js';

/** How much of a sub-agent's message is passed on. */
const MAX_MESSAGE_LENGTH = 1000;
/** How long the message of a refused stream may take. */
const MESSAGE_MS = 5000;

const shortened = (message: string): string =>
  message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message;

const toError = (service: string, message: string, kind: RefusalKind | undefined): AgentError => {
  const failed = serviceFailed(service, message);
  return kind ? new AgentError(kind, message.trim() === '' ? failed.message : message) : failed;
};

/**
 * Makes the error of a call that failed in the sub-agent.
 * @param error the envelope's `error`: a string, by the contract
 * @param kind the envelope's `kind`
 */
export const callFailed = (service: string, error: unknown, kind: unknown): AgentError => {
  const message = shortened(typeof error === 'string' ? error : JSON.stringify(error));
  return toError(service, message, kindOfError(message, kind));
};

/** A call that a sub-agent did not carry out, because it does not know the method or the form of the request. */
export class CallRejected extends AgentError {}

const BAD_REQUEST = 400;

/** Makes the error of a call whose response has a status of 400 or above. */
export const statusFailed = (service: string, status: number, body: string): AgentError => {
  const message = shortened(body.trim());
  if (status === BAD_REQUEST) {
    const { kind, message: worded } = toError(service, message || `status ${status}`, kindOfError(message));
    return new CallRejected(kind, worded);
  }
  return toError(service, message || `status ${status}`, kindOfError(message));
};

/** Makes the error of a console that a sub-agent did not open. */
export const consoleRefused = (service: string, { status, body }: UpgradeRefused): AgentError => {
  const message = shortened(body.trim());
  const kind = kindOfStatus(status);
  // A 404 without a message comes from a server that does not know the path.
  if (kind === undefined || (kind === 'not_found' && message === ''))
    return statusFailed(service, status, message);
  return new AgentError(kind, message || `${service}: refused the console with status ${status}`);
};

/** A stream that a sub-agent refused. The agent's client gets the sub-agent's own status, whatever its kind. */
export class StreamRefused extends AgentError {
  readonly status: number;
  /** The id of the pipeline run that requested the stream. */
  pipelineId: string | undefined;

  constructor(status: number, message: string) {
    super(kindOfStatus(status) ?? 'bad_answer', message);
    this.status = status;
  }
}

/** Reads a text until it ends, breaks off, or takes too long. */
const readMessage = async (body: Readable): Promise<string> => {
  let message = '';
  const timer = setTimeout(() => body.destroy(), MESSAGE_MS);
  try {
    for await (const chunk of body.setEncoding('utf8')) {
      message += chunk;
      if (message.length > MAX_MESSAGE_LENGTH) break;
    }
  } catch {
    // The part that arrived is better than nothing.
  } finally {
    clearTimeout(timer);
  }
  return message.slice(0, MAX_MESSAGE_LENGTH).trim();
};

/** Makes the error of a stream whose response has a status other than 200. */
export const streamRefused = async (service: string, status: number, body: Readable): Promise<AgentError> => {
  if (status < 400 || status > 599) {
    body.on('error', () => {}).destroy();
    return badResponse(service, `responded with status ${status}, which is neither bytes nor an error`);
  }
  const message = await readMessage(body);
  return new StreamRefused(status, message || `${service}: refused the stream with status ${status}`);
};
