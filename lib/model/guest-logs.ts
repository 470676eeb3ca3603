import Joi from 'joi';

const MAX_TAIL = 1_000_000;
export const LOG_STREAMS = ['stdout', 'stderr'] as const;

/** Which part of a guest's output to read. */
export interface LogsQuery {
  /** Whether to go on with what the guest prints from now on. */
  follow?: boolean;
  /** How many of the last lines to begin with; all of them when absent. */
  tail?: number;
  /** Leaves out what is older: a time of RFC 3339. Containers only, in whole seconds. */
  since?: string;
  /** Whether each line begins with its time. Containers only. */
  timestamps?: boolean;
  /** One of the two outputs; both when absent. Containers only. */
  stream?: (typeof LOG_STREAMS)[number];
}

/** What only the output of a container has. */
export const CONTAINER_LOGS_KEYS = ['since', 'timestamps', 'stream'] as const satisfies (keyof LogsQuery)[];

export const logsQuerySchema = Joi.object<LogsQuery, true>({
  follow: Joi.boolean().description('Whether to go on with what the guest prints from now on').example(true),
  tail: Joi.number()
    .integer()
    .min(0)
    .max(MAX_TAIL)
    .description('How many of the last lines to begin with; all of them when absent')
    .example(100),
  since: Joi.string()
    .isoDate()
    .description('Leaves out what is older, in whole seconds; of a container only')
    .example('2026-11-30T12:00:00Z'),
  timestamps: Joi.boolean().description('Whether each line begins with its time; of a container only'),
  stream: Joi.string()
    .valid(...LOG_STREAMS)
    .description('One of the two outputs, both when absent; of a container only')
    .example('stderr'),
});
