import Joi from 'joi';

const MAX_CONCURRENCY = 64;

/** How schedules run. */
export interface SchedulesConfig {
  /** How many guests run at the same time, of all schedules with the same action; 2 when absent. */
  concurrency?: number;
}

export const schedulesSchema = Joi.object<SchedulesConfig>({
  concurrency: Joi.number()
    .integer()
    .min(1)
    .max(MAX_CONCURRENCY)
    .description('How many guests run at the same time, of all schedules with the same action; 2 by default')
    .example(2),
});
