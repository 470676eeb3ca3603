import { JobError, MistifyError } from '../client/errors.js';
import { AgentError, errorMessage } from '../errors.js';
import { EXIT, type ExitCode, exitCodeOf, exitCodeOfKind } from './exit-codes.js';
import { Failure } from './failure.js';
import { escapeControls, escapeControlsPerLine } from './printable.js';

export interface Explanation {
  exitCode: ExitCode;
  message: string;
  /** What to do next. */
  hint?: string | undefined;
}

const START_IT = `Is it running? Start it with \`npm start\` in a checkout, or with \`mistify-agent\`.
If it is elsewhere, give its address with --url, --socket, MISTIFY_URL or the config file.`;

const HINTS_BY_CODE: Record<string, string> = {
  ECONNREFUSED: START_IT,
  ENOENT: START_IT,
  ENOTFOUND: 'Unknown host: check --url, MISTIFY_URL and the config file.',
  EACCES: "No permission for the agent's socket: run this as its owner or as a member of its group.",
  ECONNABORTED: 'Give it more time with --timeout SECONDS.',
  ETIMEDOUT: 'Give it more time with --timeout SECONDS.',
  ENOAGENT: 'Check --url, MISTIFY_URL and the config file.',
  EPROTO: 'Use http:// for an agent without TLS, and https:// for one with TLS.',
};

/** @param rights the options that say what the new token may do */
const createToken = (rights: string): string => `run on the agent's host:
  mistify token create NAME ${rights}
If the agent was started with a config file of its own, add -c FILE.`;

const HINTS_BY_STATUS: Record<number, string> = {
  401: `Give a token with --token-file FILE or MISTIFY_TOKEN. To create one, ${createToken('--scope operate')}`,
  412: 'The object has changed: read it again before you change it.',
  429: 'Try again when some jobs are done: mistify job list',
};

const isCertificateError = (code: string): boolean => /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code);

const rightHint = (right: string): string =>
  `To create a token with this right, ${createToken(`--can ${right}`)}
Where certificates identify clients, give one that the agent's config names with --cert FILE and --key FILE.`;

const hintOf = ({ status, scope, code = '' }: MistifyError): string | undefined => {
  if (scope !== undefined) return rightHint(scope);
  if (status !== 0) return HINTS_BY_STATUS[status];
  if (isCertificateError(code))
    return "The agent's certificate is not trusted: give the certificate of its authority with --ca FILE.";
  return HINTS_BY_CODE[code];
};

/** Turns any error into an escaped message, a hint and an exit code. */
export const explain = (error: unknown): Explanation => {
  if (error instanceof Failure) {
    const { exitCode, message, hint } = error;
    return { exitCode, message: escapeControls(message), hint: hint && escapeControlsPerLine(hint) };
  }
  if (error instanceof JobError) return { exitCode: EXIT.failed, message: escapeControls(error.message) };
  if (error instanceof MistifyError)
    return {
      exitCode: exitCodeOf(error.status),
      message: escapeControls(error.message),
      hint: hintOf(error),
    };
  const exitCode = error instanceof AgentError ? exitCodeOfKind(error.kind) : EXIT.failed;
  return { exitCode, message: escapeControlsPerLine(errorMessage(error)) };
};
