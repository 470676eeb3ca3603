import Joi from 'joi';

/** How a template says that it has booted: its guest agent responds, it prints a text, or a time has passed. */
export type WarmReady = { agent: true } | { serial: string } | { seconds: number };

/** Whether clones of a warm template begin with random numbers of their own, or with the template's. */
const RANDOMNESS = ['fresh', 'shared'] as const;

/** How a client wants a template warmed. */
export interface WarmRequest {
  ready?: WarmReady;
  /** How many seconds the boot may take. */
  timeout?: number;
  randomness?: (typeof RANDOMNESS)[number];
}

/** A template's memory, with which its clones resume. It is good for this QEMU, CPU and machine type alone. */
export interface Warm extends Required<WarmRequest> {
  /** Changes each time the template is warmed. */
  id: string;
  /** When its memory was saved: RFC 3339. */
  at: string;
  /** The version of QEMU. */
  qemu: string;
  accel: string;
  cpuModel: string;
  machine: string;
  /** MB of the guest's memory. */
  memory: number;
  /** MB that the files of the memory take. */
  size: number;
}

const DEFAULT_TIMEOUT_S = 300;
const MAX_TIMEOUT_S = 3000;
const MAX_SERIAL = 255;

const readySchema = Joi.object<WarmReady>({
  agent: Joi.boolean().valid(true).description('Its guest agent responds'),
  serial: Joi.string().min(1).max(MAX_SERIAL).description('It prints this text on its serial console'),
  seconds: Joi.number().integer().min(1).max(MAX_TIMEOUT_S).description('So much time has passed'),
})
  .length(1)
  .description('How the template says that it has booted; by default, its guest agent responds');

const timeoutSchema = Joi.number().integer().min(1).max(MAX_TIMEOUT_S);

const randomnessSchema = Joi.string()
  .valid(...RANDOMNESS)
  .description(
    '`fresh` needs a guest whose kernel knows of vmgenid, or that has a program /etc/mistify/resumed; with `shared`, clones may begin with the same random numbers, secret keys included',
  );

export const warmRequestSchema = Joi.object<WarmRequest>({
  ready: readySchema,
  timeout: timeoutSchema.description(`How many seconds the boot may take; ${DEFAULT_TIMEOUT_S} by default`),
  randomness: randomnessSchema,
})
  .label('warm')
  .description('How the template is warmed')
  .example({ ready: { serial: 'login:' }, timeout: 120 });

/** Fills in the defaults of a request. */
export const completeWarmRequest = ({
  ready = { agent: true },
  timeout = DEFAULT_TIMEOUT_S,
  randomness = 'fresh',
}: WarmRequest): Required<WarmRequest> => ({ ready, timeout, randomness });

export const warmSchema = Joi.object<Warm>({
  id: Joi.string().max(64).required(),
  at: Joi.string().max(64).required(),
  ready: readySchema.required(),
  timeout: timeoutSchema.required(),
  randomness: randomnessSchema.required(),
  qemu: Joi.string().max(64).required(),
  accel: Joi.string().max(16).required(),
  cpuModel: Joi.string().max(255).required(),
  machine: Joi.string().max(255).required(),
  memory: Joi.number().integer().min(0).required().description('MB of the memory'),
  size: Joi.number().integer().min(0).required().description('MB that the files of the memory take'),
}).description('The memory with which clones of the template resume; set by the sub-agents');
