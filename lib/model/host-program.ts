import Joi from 'joi';

/** How QEMU runs the CPUs of its guests: by the kernel, or translated in software, which takes many times as long. */
export const ACCELERATORS = ['kvm', 'tcg'] as const;
export type Accelerator = (typeof ACCELERATORS)[number];

/** A program that guests depend on. */
export interface HostProgram {
  /** As its makers write it. */
  name: string;
  version: string;
  /** Of QEMU. */
  accelerator?: Accelerator;
}

const MAX_LENGTH = 100;

export const hostProgramSchema = Joi.object<HostProgram>({
  name: Joi.string().max(MAX_LENGTH).required().example('QEMU'),
  version: Joi.string().max(MAX_LENGTH).required().example('7.2.22'),
  accelerator: Joi.string()
    .valid(...ACCELERATORS)
    .description('Of QEMU: `kvm`, or `tcg` for the much slower translation in software'),
}).label('program');
