import { JobError, MistifyError } from '../client/errors.js';
import { AgentError, errorMessage } from '../errors.js';
import { visible, visibleLines } from '../portable/format.js';
import { EXIT, type ExitCode, exitCodeOf, exitCodeOfKind } from './exit-codes.js';
import { Failure } from './failure.js';

export interface Explanation {
  exitCode: ExitCode;
  message: string;
  /** What to do about it. */
  hint?: string | undefined;
}

const START_IT = `Is it running? In a checkout \`npm start\` starts it, elsewhere \`mistify-agent\`.
An agent that is somewhere else is named with --url, --socket, MISTIFY_URL or the config file.`;

const HINTS_BY_CODE: Record<string, string> = {
  ECONNREFUSED: START_IT,
  ENOENT: START_IT,
  ENOTFOUND: 'No such host: look at --url, MISTIFY_URL and the config file.',
  EACCES: "You may not use the agent's socket: run this as its owner, or as a member of its group.",
  ECONNABORTED: 'Give it more time with --timeout SECONDS.',
  ETIMEDOUT: 'Give it more time with --timeout SECONDS.',
  ENOAGENT: 'Look at --url, MISTIFY_URL and the config file.',
  EPROTO: 'An agent without TLS is named with http://, one with TLS with https://.',
};

const HINTS_BY_STATUS: Record<number, string> = {
  401: `The agent asks for a token: give it with --token-file FILE or MISTIFY_TOKEN.
One is made on its own host: mistify token create NAME --scope operate`,
  403: `The token or certificate that you use may not do this. A token that may is made on the agent's host:
mistify token create NAME --scope operate`,
  412: 'Look at it again, then decide.',
  429: 'Try again when some of its jobs are done: mistify job list',
};

const isAboutCertificates = (code: string): boolean => /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code);

const hintOf = ({ status, code = '' }: MistifyError): string | undefined => {
  if (status !== 0) return HINTS_BY_STATUS[status];
  if (isAboutCertificates(code))
    return "The agent's certificate is not one to trust here: name the one that signs it with --ca FILE.";
  return HINTS_BY_CODE[code];
};

/** Anything that went wrong, made visible, in the words and with the exit code for whoever typed the command. */
export const explain = (error: unknown): Explanation => {
  if (error instanceof Failure) {
    const { exitCode, message, hint } = error;
    return { exitCode, message: visible(message), hint: hint && visibleLines(hint) };
  }
  if (error instanceof JobError) return { exitCode: EXIT.failed, message: visible(error.message) };
  if (error instanceof MistifyError)
    return { exitCode: exitCodeOf(error.status), message: visible(error.message), hint: hintOf(error) };
  const exitCode = error instanceof AgentError ? exitCodeOfKind(error.kind) : EXIT.failed;
  return { exitCode, message: visibleLines(errorMessage(error)) };
};
