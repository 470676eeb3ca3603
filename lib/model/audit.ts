import Joi from 'joi';
import type { Job } from './job.js';
import type { Grant } from './rights.js';

/** What an entry of the audit log is about besides a guest and a job, as far as the agent knew it then. */
export interface AuditDetails {
  /** The guest's name at that time. */
  guestName?: string | undefined;
  /** The action of the job, or the operation of a request without one. */
  action?: string | undefined;
  image?: string | undefined;
  snapshot?: string | undefined;
  volume?: string | undefined;
  backup?: string | undefined;
}

/** A request of a client. */
export interface RequestEntry extends AuditDetails {
  event: 'request';
  /** The client's name; its address follows. */
  principal: string;
  address: string;
  method: string;
  /** The route, with its parameters in braces. */
  route: string;
  /** Those parameters, apart from the guest's id. */
  params?: Record<string, string> | undefined;
  guest?: string | undefined;
  job?: string | undefined;
  /** Of the HTTP response. */
  status: number;
  /** Why the request was refused for want of rights. */
  reason?: string | undefined;
  /** How many more such requests were refused in the minute after the first. */
  count?: number;
}

/** A change of what someone may do, made on the agent's host. */
export interface RightEntry extends AuditDetails {
  event: 'right';
  /** The user of the host. */
  principal: string;
  change: 'token created' | 'token revoked';
  /** The name of what was changed. */
  name: string;
  /** What it permits from now on. */
  grants?: readonly Grant[] | undefined;
  /** RFC 3339; absent when it does not expire. */
  expires?: string | undefined;
}

/** A job that a schedule began. */
interface ScheduleEntry extends AuditDetails {
  event: 'schedule';
  principal: 'schedule';
  /** Its name. */
  schedule: string;
  /** Absent when the job concerns all guests. */
  guest?: string | undefined;
  job: string;
}

/** The end of a job. */
interface JobEntry extends AuditDetails {
  event: 'job';
  /** The client that requested it; absent when the agent queued it by itself. */
  principal?: string | undefined;
  job: string;
  guest: string;
  status: Job['Status'];
  message: string;
}

/** A request of a client, a change of rights, what a schedule began, or the end of a job. */
export type AuditEntry = RequestEntry | RightEntry | ScheduleEntry | JobEntry;

/** An entry as it is read again, with the keys of its event. */
export interface AuditRecord extends AuditDetails {
  /** RFC 3339. */
  time: string;
  event: AuditEntry['event'];
  principal?: string;
  address?: string;
  method?: string;
  route?: string;
  params?: Record<string, string>;
  guest?: string;
  schedule?: string;
  job?: string;
  /** Of the HTTP response, or of the job. */
  status?: number | Job['Status'];
  reason?: string;
  message?: string;
  /** How many more such requests were refused. */
  count?: number;
  /** Of rights. */
  change?: string;
  name?: string;
}

/** Selects entries. */
export interface AuditFilter {
  /** The id of a guest, or the name that it had. */
  guest?: string | undefined;
  /** The name of a client. */
  by?: string | undefined;
  action?: string | undefined;
  /** RFC 3339; entries of that time are included. */
  since?: string | undefined;
  until?: string | undefined;
}

const text = (description: string): Joi.StringSchema => Joi.string().allow('').description(description);

/** Later versions may write further keys. */
export const auditRecordSchema = Joi.object({
  time: Joi.string().isoDate().required(),
  event: Joi.string()
    .required()
    .description(
      '`request` of a client, `right` that was changed, `schedule` that began a job, or `job` that ended',
    )
    .example('request'),
  principal: text('The name of the client; `schedule` for a schedule').example('ci'),
  address: text('The address of the client'),
  method: text('Of the request').example('POST'),
  route: text('The route, with its parameters in braces').example('/guests/{guestID}/start'),
  params: Joi.object()
    .pattern(Joi.string(), Joi.string().allow(''))
    .description("Those parameters, apart from the guest's id"),
  action: text('The action of the job, or the operation of a request without one').example('start'),
  guest: text("The guest's id; `agent` for a job that concerns no guest"),
  guestName: text("The guest's name at that time").example('web'),
  image: text('The image of the job'),
  snapshot: text('The snapshot of the job'),
  volume: text('The volume of the job'),
  backup: text('The backup of the job'),
  schedule: text('The name of the schedule'),
  job: text('The id of the job'),
  status: Joi.alternatives(Joi.number(), Joi.string()).description(
    'Of the HTTP response, or of the job that ended',
  ),
  reason: text('Why the request was refused for want of rights'),
  message: text('Of the job that ended'),
  count: Joi.number().description('How many more such requests were refused in the minute'),
  change: text('Of rights: `token created` or `token revoked`'),
  name: text('The name of what permits something from then on, or no longer'),
})
  .unknown()
  .label('audit entry');
