import Joi from 'joi';
import { FIRMWARES, type Firmware } from './firmware.js';

/** The part of a guest's virtual hardware that an upgrade changes. */
export interface MachineChange {
  /** QEMU's versioned machine type, such as `pc-q35-7.2`. */
  type: string;
  /** The number of the arrangement of its devices. */
  layout: number;
  cpuModel: string;
}

/** A guest's virtual hardware, which no upgrade of the host changes; set by the sub-agent that runs it. */
export interface Machine extends Omit<MachineChange, 'cpuModel'> {
  firmware: Firmware;
  /** Whether the firmware starts only programs with a signature that it knows. Only with `uefi`. */
  secureBoot?: boolean;
  /** Whether it has a TPM 2.0. */
  tpm?: boolean;
  /** Whether it boots from its NICs (PXE) when no disk boots. */
  networkBoot?: boolean;
  /** The sockets that its vCPUs share equally. */
  sockets: number;
  /** Threads per core. */
  threads: number;
  /** What it becomes at the guest's next start. */
  next?: MachineChange;
}

/** A client names what it wants, or all of a machine to create it again. */
export type MachineSpec = Partial<Machine>;

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

/** The keys of a machine that can change at the guest's next start. */
export const machineOptionSchemas = {
  firmware: Joi.string()
    .valid(...FIRMWARES)
    .description('`bios` or `uefi`; by default what the image needs'),
  networkBoot: Joi.boolean().description('Whether it boots from its NICs (PXE) when no disk boots'),
  tpm: Joi.boolean().description('Whether it has a TPM 2.0'),
  secureBoot: Joi.boolean().description('Whether UEFI starts only programs with a known signature'),
};

export const machineSchema = Joi.object<MachineSpec>({
  type: machineTypeSchema,
  layout: layoutSchema,
  ...machineOptionSchemas,
  sockets: Joi.number().integer().valid(1).description('The sockets of the vCPUs'),
  threads: Joi.number().integer().valid(1).description('Threads per core'),
  next: Joi.object<MachineChange>({
    type: machineTypeSchema,
    layout: layoutSchema,
    cpuModel: cpuModelSchema,
  }).description('What it becomes at the next start'),
})
  .and('type', 'layout')
  .messages({
    'object.and':
      '"machine.type" and "machine.layout" belong together: give both to create the same machine again, or neither',
  })
  .label('machine')
  .description(
    'The virtual hardware: name what you want at the creation, or send it all to create the same again',
  );
