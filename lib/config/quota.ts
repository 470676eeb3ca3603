import Joi from 'joi';

/** The most that all guests of the host may have together. Unlimited where absent. */
export interface QuotaConfig {
  guests?: number;
  /** MB. */
  memory?: number;
  /** vCPUs. */
  cpu?: number;
  /** MB, by the size that guests see, whatever their disks occupy. */
  disk?: number;
  /** The same, as a multiple of the size of the storage. */
  disk_factor?: number;
  snapshots?: number;
}

const whole = Joi.number().integer().min(0);

export const quotaSchema = Joi.object<QuotaConfig>({
  guests: whole.description('The most guests of the host'),
  memory: whole.description('The most memory of all guests together, in MB'),
  cpu: whole.description('The most vCPUs of all guests together'),
  disk: whole.description("The most disk space of all guests together, in MB, by the disks' sizes"),
  disk_factor: Joi.number()
    .positive()
    .max(1000)
    .description('The same, as a multiple of the size of the storage: disks grow only as they are written'),
  snapshots: whole.description('The most snapshots of all guests together'),
});
