import Joi from 'joi';
import { RPC_PATH, type StageArgs } from '../rpc/protocol/messages.js';
import type { ServiceAddress } from '../rpc/protocol/service-address.js';
import { type EventsConfig, eventsSchema } from './events.js';
import { type ServerConfig, serverSchema } from './server.js';

/** A stage of a pipeline: one call to a sub-agent. */
export interface StageConfig {
  service: string;
  method: string;
  args?: StageArgs;
  /** Seconds that one call, or all its retries together, may take. */
  timeout?: number;
  /** Whether it may be run again when a crash of the agent leaves open how far it came. */
  idempotent?: boolean;
}

export interface ActionConfig {
  stages: StageConfig[];
}

/** A sub-agent on this host, by the address at which it listens. */
export type ServiceConfig = ServiceAddress & ServiceSettings;

export interface ServiceSettings {
  path: string;
  /** Calls that the sub-agent gets at the same time. */
  max_pending: number;
  /** Seconds; for stages that have no `timeout` of their own. */
  timeout?: number;
  /** Program and arguments; the agent starts and supervises a service that has one. */
  command?: string[];
  /** Has the secret that a sub-agent which somebody else starts wants to see in every call. */
  secret_file?: string;
}

/** The content of one config file. */
export interface ConfigFile {
  actions: Record<string, ActionConfig>;
  services: Record<string, ServiceConfig>;
  dbpath?: string;
  server?: ServerConfig;
  events?: EventsConfig;
}

const timeout = Joi.number().positive().max(86_400).description('Seconds').example(60);

const stageSchema = Joi.object<StageConfig>({
  service: Joi.string().required().description('Name of a service of this config').example('storage'),
  method: Joi.string().required().description('`Service.Method`').example('ImageStore.CreateGuestDisks'),
  args: Joi.object()
    .pattern(Joi.string(), Joi.string().allow(''))
    .allow(null)
    .empty(null)
    .description('Opaque strings for this stage alone'),
  timeout,
  idempotent: Joi.boolean().description('Whether it may be run again after a crash'),
});

const actionSchema = Joi.object<ActionConfig>({
  stages: Joi.array()
    .items(stageSchema)
    .allow(null)
    .empty(null)
    .default([])
    .description('Calls to sub-agents, in order; the first failure ends it'),
});

const serviceSchema = Joi.object({
  port: Joi.number().port().description('TCP port on loopback').example(19999),
  socket: Joi.string()
    .allow('')
    .empty('')
    .description("Path of a unix socket; a relative one is in the agent's private directory")
    .example('storage.sock'),
  path: Joi.string()
    .pattern(/^\//, 'path')
    .allow('')
    .empty('')
    .default(RPC_PATH)
    .description('Where it answers RPC, or streams')
    .example(RPC_PATH),
  max_pending: Joi.number()
    .integer()
    .min(0)
    .max(1000)
    .empty(0)
    .default(4)
    .description('Calls that it gets at the same time'),
  timeout,
  command: Joi.array()
    .items(Joi.string())
    .min(1)
    .description('Program and arguments; the agent starts it, and starts it again when it dies')
    .example(['mistify-storage']),
  secret_file: Joi.string()
    .allow('')
    .empty('')
    .description('File with the secret of a sub-agent that the agent does not start')
    .example('/etc/mistify/storage.secret'),
})
  .xor('port', 'socket')
  .without('secret_file', 'command')
  .messages({
    'object.missing':
      '{{#label}}: give either a port (TCP on loopback) or a socket (the path of a unix socket)',
    'object.xor': '{{#label}}: has both a port and a socket, give one of them',
    'object.without':
      '{{#label}}: the agent makes a secret of its own for a service that has a command: remove secret_file',
  });

export const configFileSchema = Joi.object<ConfigFile & { $schema?: string }>({
  $schema: Joi.string().strip(),
  actions: Joi.object().pattern(Joi.string(), actionSchema).default({}),
  services: Joi.object().pattern(Joi.string(), serviceSchema).default({}),
  server: serverSchema,
  events: eventsSchema,
  dbpath: Joi.string()
    .allow('')
    .empty('')
    .description('The directory of the state')
    .example('/var/lib/mistify'),
})
  .label('config file')
  .required();
