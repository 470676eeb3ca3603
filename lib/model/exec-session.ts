import Joi from 'joi';
import { type ExecRequest, execKeys } from './exec.js';

/** A program to run in a container while a client is connected: the first message of its WebSocket. */
export interface ExecSession extends Pick<ExecRequest, 'command' | 'env' | 'user' | 'workingDir'> {
  /** Whether it gets a terminal, which makes one output of its two. */
  terminal?: boolean;
  /** The size of its terminal. */
  size?: ExecSize;
}

export interface ExecSize {
  columns: number;
  rows: number;
}

/** A later text message of the client. */
export type ExecControl = { resize: ExecSize } | { end: true };

/** The last message of the server, a text. */
export type ExecEnd = { exitCode: number } | { error: string };

/** The first byte of each binary message of the server says which output follows. */
export const EXEC_STREAMS = { stdout: 1, stderr: 2 } as const;

const MAX_SIDE = 10_000;
const side = Joi.number().integer().min(1).max(MAX_SIDE).required();
const sizeSchema = Joi.object<ExecSize>({ columns: side, rows: side });

export const execSessionSchema = Joi.object<ExecSession, true>({
  command: execKeys.command,
  env: execKeys.env,
  user: execKeys.user,
  workingDir: execKeys.workingDir,
  terminal: Joi.boolean(),
  size: sizeSchema,
})
  .required()
  .prefs({ convert: false });

export const execControlSchema = Joi.object<ExecControl>({
  resize: sizeSchema,
  end: Joi.boolean().valid(true),
})
  .xor('resize', 'end')
  .required();
