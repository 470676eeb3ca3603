import Joi from 'joi';
import type { Guest, LooseGuest } from '../../model/guest.js';
import type { CpuMetrics, DiskMetrics, MetricsType, NicMetrics } from '../../model/metrics.js';
import type { StageArgs } from './calls.js';
import { argsSchema, requiredGuest } from './guest-messages.js';
import { text } from './loose-text.js';

const count = Joi.number().min(0);

export interface GuestMetricsRequest {
  guest: Guest;
  type: MetricsType;
  args?: StageArgs;
}

export interface GuestMetricsResponse {
  guest?: LooseGuest | null;
  type: MetricsType;
  disk?: Record<string, DiskMetrics>;
  nic?: Record<string, NicMetrics>;
  cpu?: CpuMetrics[];
}

/** A sub-agent's counters of one guest. */
export interface GuestCounters {
  /** The guest's id. */
  guest: string;
  cpu?: CpuMetrics[];
  disk?: Record<string, DiskMetrics>;
  nic?: Record<string, NicMetrics>;
  /** The host memory that the guest uses now, in bytes. */
  memory?: number;
}

/** The counters of every guest that has any. */
export interface AllMetricsResponse {
  guests: GuestCounters[];
}

export const guestMetricsRequestSchema = Joi.object<GuestMetricsRequest>({
  guest: requiredGuest,
  type: text(),
  args: argsSchema,
}).unknown();

/** The least that a sub-agent must send. Lists may be `null`, which is how Go encodes empty ones. */
export const guestMetricsResponseSchema = Joi.object<GuestMetricsResponse>({
  cpu: Joi.array().items(Joi.object()).allow(null),
  disk: Joi.object().pattern(Joi.string(), Joi.object()).allow(null),
  nic: Joi.object().pattern(Joi.string(), Joi.object()).allow(null),
}).unknown();

export const allMetricsRequestSchema = Joi.object({}).unknown();

/** Counters by device. Each has the device's name under `nameKey`; everything else is a count. */
const counters = (nameKey: 'disk' | 'name'): Joi.ObjectSchema =>
  Joi.object().pattern(
    Joi.string(),
    Joi.object({ [nameKey]: Joi.string().max(255) }).pattern(Joi.string(), count),
  );

/** Strict, because metrics of another shape would end up in Prometheus' time series. */
export const allMetricsResponseSchema = Joi.object<AllMetricsResponse>({
  guests: Joi.array()
    .items(
      Joi.object<GuestCounters>({
        guest: Joi.string().max(255).required(),
        cpu: Joi.array().items(Joi.object({ cpu_time: count.required() }).pattern(Joi.string(), count)),
        disk: counters('disk'),
        nic: counters('name'),
        memory: count,
      }).unknown(),
    )
    .allow(null)
    .required(),
})
  .unknown()
  .required()
  .prefs({ convert: false });
