import Joi from 'joi';

export const HEALTH_STATUSES = ['starting', 'healthy', 'unhealthy'] as const;
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

/** The latest run of a container's program, as its engine reports it. */
export interface ProgramRun {
  /** When it started: RFC 3339. Absent before its first start. */
  started?: string;
  /** When it ended; absent while it runs. */
  ended?: string;
  /** 128 plus the number of a signal that ended it; absent while it runs. */
  exitCode?: number;
  /** Whether it ended because its memory limit was reached. */
  outOfMemory?: true;
  /** How often the engine has started it again by itself. */
  restarts?: number;
  /** What its health check says, while it runs; absent without a health check. */
  health?: HealthStatus;
}

const time = (): Joi.StringSchema => Joi.string().isoDate();

export const programRunSchema = Joi.object<ProgramRun>({
  started: time().description('When it started').example('2026-11-30T12:00:00.000Z'),
  ended: time().description('When it ended; absent while it runs'),
  exitCode: Joi.number()
    .integer()
    .description('128 plus the number of a signal that ended it; absent while it runs')
    .example(137),
  outOfMemory: Joi.boolean().valid(true).description('It ended because its memory limit was reached'),
  restarts: Joi.number().integer().min(0).description('How often the engine started it again by itself'),
  health: Joi.string()
    .valid(...HEALTH_STATUSES)
    .description('What its health check says, while it runs')
    .example('healthy'),
})
  .label('program run')
  .description("The latest run of a container's program, as its engine reports it; set by the sub-agent");
