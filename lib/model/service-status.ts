import Joi from 'joi';

/** Whether the sub-agent of a service of the config responds. */
export interface ServiceStatus {
  name: string;
  /** What its sub-agent looks after, in words. */
  part: string;
  up: boolean;
  /** Why it is down, where that is known. */
  reason?: string;
  /** What it could not do and retries, in sentences. */
  problems?: readonly string[];
}

export const serviceStatusSchema = Joi.object<ServiceStatus>({
  name: Joi.string().required().description('The name in the config').example('storage'),
  part: Joi.string().required().description('What its sub-agent looks after').example('virtual machines'),
  up: Joi.boolean().required().description('Whether the sub-agent responds'),
  reason: Joi.string()
    .description('Why it is down, where that is known')
    .example('it exited with code 1: the ZFS pool tank does not exist'),
  problems: Joi.array().items(Joi.string()).description('What it could not do and retries, in sentences'),
}).label('service');
