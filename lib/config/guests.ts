import Joi from 'joi';
import { cpuModelSchema } from '../model/machine.js';

/** What new guests get when their spec does not say. */
export interface GuestsConfig {
  /** The sub-agent chooses one when absent. */
  cpu_model?: string;
}

export const guestsSchema = Joi.object<GuestsConfig>({
  cpu_model: cpuModelSchema.description(
    'The model of the vCPUs of new virtual machines, as `qemu-system-x86_64 -cpu help` names it; by default all that the host can give',
  ),
});
