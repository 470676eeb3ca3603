import Joi from 'joi';
import { isNetwork } from '../http/reachable.js';
import { RPC_PATH, type StageArgs } from '../rpc/protocol/calls.js';
import type { ServiceAddress } from '../rpc/protocol/service-address.js';
import { type CatalogueConfig, catalogueSchema } from './catalogue.js';
import { type EventsConfig, eventsSchema } from './events.js';
import { type FleetConfig, fleetSchema } from './fleet.js';
import { type GuestsConfig, guestsSchema } from './guests.js';
import { type QuotaConfig, quotaSchema } from './quota.js';
import { type SchedulesConfig, schedulesSchema } from './schedules.js';
import { type ServerConfig, serverSchema } from './server.js';

/** A stage of a pipeline: one call to a sub-agent. */
export interface StageConfig {
  service: string;
  method: string;
  /** The method that checks the stage's request for a dry run and changes nothing. */
  check?: string;
  args?: StageArgs;
  /** Seconds for one call, including all retries that the sub-agent asks for. */
  timeout?: number;
  /** Whether the stage may run again after the agent crashed during it. */
  idempotent?: boolean;
  /** Whether the stage also runs after an earlier one has failed; it must be safe to repeat. */
  always?: boolean;
}

export interface ActionConfig {
  stages: StageConfig[];
}

/** A sub-agent on this host. Several services may share an address and differ in `path`. */
export type ServiceConfig = ServiceAddress & ServiceSettings;

export interface ServiceSettings {
  path: string;
  /** The most calls that the agent makes to the service at the same time. */
  max_pending: number;
  /** Seconds for a call, unless its stage has a `timeout`. */
  timeout?: number;
  /** A program and its arguments, which the agent starts and supervises. */
  command?: string[];
  /** The process that it shares with the services of the same `process`; by default it has one of its own. */
  process?: string;
  /** Seconds without an answer to its health call after which the agent ends and restarts what it started. */
  health_timeout?: number;
  /** A file with the secret that each call carries, for a sub-agent that the agent does not start. */
  secret_file?: string;
}

/** The content of one config file. */
export interface ConfigFile {
  /** The files to build upon, relative to the directory of this one. */
  extends?: string | string[];
  actions: Record<string, ActionConfig>;
  services: Record<string, ServiceConfig>;
  dbpath?: string;
  /** Addresses and networks off the Internet that image sources and webhooks may reach. */
  private_addresses?: string[];
  server?: ServerConfig;
  events?: EventsConfig;
  guests?: GuestsConfig;
  quota?: QuotaConfig;
  schedules?: SchedulesConfig;
  catalogue?: CatalogueConfig;
  fleet?: FleetConfig;
}

const timeout = Joi.number().positive().max(86_400).description('Seconds for a call').example(60);

const stageSchema = Joi.object<StageConfig>({
  service: Joi.string().required().description('The name of a service').example('storage'),
  method: Joi.string().required().description('`Service.Method`').example('ImageStore.CreateGuestDisks'),
  check: Joi.string()
    .description("`Service.Method` that checks the stage's request for a dry run and changes nothing")
    .example('ImageStore.CheckGuestDisks'),
  args: Joi.object()
    .pattern(Joi.string(), Joi.string().allow(''))
    .allow(null)
    .empty(null)
    .description('Strings for this stage, passed on as they are'),
  timeout,
  idempotent: Joi.boolean().description('Whether the stage may run again after the agent crashed during it'),
  always: Joi.boolean().description(
    'Whether the stage also runs after an earlier one has failed, was cancelled or was interrupted; it must be safe to repeat',
  ),
});

const actionSchema = Joi.object<ActionConfig>({
  stages: Joi.array()
    .items(stageSchema)
    .allow(null)
    .empty(null)
    .default([])
    .description('Calls to sub-agents, in order, until one fails'),
});

const serviceSchema = Joi.object({
  port: Joi.number().port().description('TCP port on loopback').example(19999),
  socket: Joi.string()
    .allow('')
    .empty('')
    .description("Path of a unix socket; a relative one is in a private directory of the agent's state")
    .example('storage.sock'),
  path: Joi.string()
    .pattern(/^\//, 'be a path that begins with /')
    .allow('')
    .empty('')
    .default(RPC_PATH)
    .description('URL path of RPC or of the stream')
    .example(RPC_PATH),
  max_pending: Joi.number()
    .integer()
    .min(0)
    .max(1000)
    .empty(0)
    .default(4)
    .description('The most calls at the same time'),
  timeout,
  command: Joi.array()
    .items(Joi.string())
    .min(1)
    .description('A program and its arguments, which the agent starts, and restarts when it exits')
    .example(['mistify-storage']),
  process: Joi.string()
    .allow('')
    .empty('')
    .description(
      'The name of a process that it shares with the services of the same `process`; by default it has one of its own',
    )
    .example('sub-agents'),
  health_timeout: Joi.number()
    .min(10)
    .max(86_400)
    .description(
      'Seconds without an answer to its health call after which the agent ends and restarts what it started (60 by default)',
    )
    .example(60),
  secret_file: Joi.string()
    .allow('')
    .empty('')
    .description('A file with the secret of a sub-agent that the agent does not start')
    .example('/etc/mistify/storage.secret'),
})
  .xor('port', 'socket')
  .without('secret_file', 'command')
  .with('health_timeout', 'command')
  .with('process', ['command', 'socket'])
  .messages({
    'object.missing':
      '{{#label}}: give either a port (TCP on loopback) or a socket (the path of a unix socket)',
    'object.xor': '{{#label}}: has both a port and a socket: remove one of them',
    'object.with':
      '{{#label}}: {{#main}} needs a {{#peer}}: only services that the agent starts by a command have it, and only on sockets they share a process',
    'object.without':
      '{{#label}}: the agent makes the secret of a service that has a command: remove secret_file',
  });

const requireNetwork: Joi.CustomValidator<string> = (value, helpers) =>
  isNetwork(value)
    ? value
    : helpers.message({
        custom: '{{#label}}: give an IP address or a network such as 10.0.0.0/8, got {{#value}}',
      });

const extendsSchema = Joi.alternatives(Joi.string(), Joi.array().items(Joi.string()).min(1).unique())
  .description(
    'Config files to build upon, relative to this file; what this file defines replaces what they define',
  )
  .example('agent.json')
  .messages({
    'alternatives.match': '{{#label}}: give the path of a config file or a list of paths, got {{#value}}',
    'alternatives.types': '{{#label}}: give the path of a config file or a list of paths, got {{#value}}',
  });

export const configFileSchema = Joi.object<ConfigFile & { $schema?: string }>({
  $schema: Joi.string().strip(),
  extends: extendsSchema,
  actions: Joi.object().pattern(Joi.string(), actionSchema).default({}),
  services: Joi.object().pattern(Joi.string(), serviceSchema).default({}),
  server: serverSchema,
  events: eventsSchema,
  private_addresses: Joi.array()
    .items(Joi.string().custom(requireNetwork))
    .unique()
    .description(
      'Private, loopback and link-local addresses and networks that sources of images and webhooks may reach',
    )
    .example(['10.1.0.0/16', '127.0.0.1']),
  guests: guestsSchema,
  quota: quotaSchema.description('The most that all guests of the host may have together'),
  schedules: schedulesSchema.description('How schedules run'),
  catalogue: catalogueSchema,
  fleet: fleetSchema.description('The fleet that the host belongs to; none without it'),
  dbpath: Joi.string()
    .allow('')
    .empty('')
    .description('The directory of the state')
    .example('/var/lib/mistify'),
})
  .label('config file')
  .required();
