import Joi from 'joi';
import { userSchema, workingDirSchema } from './container/program-schema.js';

/** How a string of JSON carries bytes: as UTF-8 text, or in base64. */
const ENCODINGS = ['text', 'base64'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export const DEFAULT_EXEC_SECONDS = 60;
const MAX_EXEC_SECONDS = 3600;
const MAX_WORDS = 1000;
const MAX_WORD_LENGTH = 128 * 1024;
const MAX_INPUT_LENGTH = 1024 * 1024;

/** A program to run in a guest: in a virtual machine by its guest agent, in a container by its engine. */
export interface ExecRequest {
  /** The program and its arguments. No shell is involved. */
  command: string[];
  /** Variables of its environment. */
  env?: Record<string, string>;
  /** Who runs it, by name or number, and perhaps a group: containers only. */
  user?: string;
  /** The directory in which it starts: containers only. */
  workingDir?: string;
  /** Its standard input; empty by default. */
  input?: string;
  /** `text` by default. */
  inputEncoding?: Encoding;
  /** How long to wait for its end, in seconds; 60 by default. It runs on after that. */
  timeout?: number;
  /** Whether to return its output; true by default. */
  capture?: boolean;
}

/** A program that ran in a guest, or still runs there. */
export interface ExecResult {
  /** Whether it ended in time. */
  exited: boolean;
  /** Its process id, as the guest numbers its processes; for a container, as the host does. */
  pid?: number;
  /** Absent while it runs, and when a signal ended it. */
  exitCode?: number;
  /** The number of the signal that ended it: signal(7). */
  signal?: number;
  stdout: string;
  /** `base64` for output that is not UTF-8 text. */
  stdoutEncoding: Encoding;
  stderr: string;
  stderrEncoding: Encoding;
  /** Whether a part of the output is missing. */
  truncated: boolean;
}

/** Rejects text that no program can take. Its message does not quote the value, which may be a password. */
const withoutNul: Joi.CustomValidator<string> = (text, helpers) =>
  text.includes('\0') ? helpers.message({ custom: '{{#label}} must not contain the character NUL' }) : text;

const namesProgram: Joi.CustomValidator<string[]> = (command, helpers) =>
  command[0] === ''
    ? helpers.message({ custom: '"command[0]" must not be empty: it is the program to run' })
    : command;

const word = Joi.string().allow('').max(MAX_WORD_LENGTH).custom(withoutNul);

const base64 = Joi.string().allow('').base64();

const decodable: Joi.CustomValidator<ExecRequest> = (request, helpers) =>
  request.inputEncoding === 'base64' && base64.validate(request.input).error
    ? helpers.message({ custom: '"input" must be base64, as "inputEncoding" says' })
    : request;

const encoding = Joi.string().valid(...ENCODINGS);

export const execKeys = {
  command: Joi.array()
    .items(word)
    .min(1)
    .max(MAX_WORDS)
    .custom(namesProgram)
    .required()
    .description('The program and its arguments; no shell is involved')
    .example(['uname', '-a']),
  env: Joi.object()
    .pattern(/^[^=\0]+$/, word)
    .description('Variables of its environment')
    .example({ LANG: 'C' }),
  user: userSchema
    .description('Who runs it, by name or number, and perhaps a group; in a container alone')
    .example('www-data'),
  workingDir: workingDirSchema
    .description('The directory in which it starts; in a container alone')
    .example('/srv'),
};

export const execRequestSchema = Joi.object<ExecRequest>({
  ...execKeys,
  input: Joi.string().allow('').max(MAX_INPUT_LENGTH).description('Its standard input'),
  inputEncoding: encoding.description('How `input` carries bytes; `text` by default'),
  timeout: Joi.number()
    .positive()
    .max(MAX_EXEC_SECONDS)
    .description(`Seconds to wait for its end, after which it runs on; ${DEFAULT_EXEC_SECONDS} by default`)
    .example(10),
  capture: Joi.boolean().description('Whether to return its output; true by default'),
})
  .custom(decodable)
  .label('exec');

/** What only the engine of a container can do. */
export const CONTAINER_EXEC_KEYS = ['user', 'workingDir'] as const satisfies (keyof ExecRequest)[];

export const execResultSchema = Joi.object<ExecResult>({
  exited: Joi.boolean().required().description('Whether it ended in time; if not, it still runs'),
  pid: Joi.number().integer().description('Its process id').example(812),
  exitCode: Joi.number().integer().description('Absent while it runs, and when a signal ended it').example(0),
  signal: Joi.number().integer().description('The number of the signal that ended it'),
  stdout: Joi.string().allow('').required().example('Linux web 6.1.0\n'),
  stdoutEncoding: encoding.required().description('`base64` for output that is not UTF-8 text'),
  stderr: Joi.string().allow('').required(),
  stderrEncoding: encoding.required(),
  truncated: Joi.boolean().required().description('Whether a part of the output is missing'),
}).label('exec result');
