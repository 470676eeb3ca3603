import Joi from 'joi';

/** The part of a guest's virtual hardware that an upgrade changes. */
export interface MachineChange {
  /** QEMU's versioned machine type, such as `pc-q35-7.2`. */
  type: string;
  /** The number of the arrangement of its devices. */
  layout: number;
  cpuModel: string;
}

/** A guest's virtual hardware, fixed at its creation; set by the sub-agent that runs it. */
export interface Machine extends Omit<MachineChange, 'cpuModel'> {
  firmware: string;
  /** The sockets that its vCPUs share equally. */
  sockets: number;
  /** Threads per core. */
  threads: number;
  /** What it becomes at the guest's next start. */
  next?: MachineChange;
}

export const machineTypeSchema = Joi.string()
  .max(64)
  .pattern(/^pc-q35-[a-z0-9.-]+$/, 'be a versioned machine type such as pc-q35-7.2')
  .description("QEMU's versioned machine type")
  .example('pc-q35-7.2');

export const cpuModelSchema = Joi.string()
  .allow('', null)
  .max(64)
  .pattern(/^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$/, 'be a CPU model such as Nehalem')
  .description('The model of the vCPUs, as `qemu-system-x86_64 -cpu help` names it; fixed at the creation')
  .example('max');

const layoutSchema = Joi.number()
  .integer()
  .min(1)
  .max(2)
  .description('The arrangement of the devices')
  .example(2);

const machineSchema = Joi.object<Machine>({
  type: machineTypeSchema.required(),
  layout: layoutSchema.required(),
  firmware: Joi.string().valid('bios').default('bios'),
  sockets: Joi.number().integer().valid(1).default(1).description('The sockets of the vCPUs'),
  threads: Joi.number().integer().valid(1).default(1).description('Threads per core'),
  next: Joi.object<MachineChange>({
    type: machineTypeSchema,
    layout: layoutSchema,
    cpuModel: cpuModelSchema,
  }).description('What it becomes at the next start'),
})
  .label('machine')
  .description('The virtual hardware, fixed at the creation; send it to create the same again');

const warningsSchema = Joi.array()
  .items(Joi.string().max(1000))
  .allow(null)
  .description('Problems that will keep the guest from running, and what to do; set by the sub-agents');

/** What a sub-agent tells about a guest besides its state. */
export const guestDetailsSchemas = {
  cpuModel: cpuModelSchema,
  machine: machineSchema.allow(null),
  warnings: warningsSchema,
};
