import { isIP } from 'node:net';
import Joi from 'joi';
import type { ContainerNetwork, PublishedPort } from './network.js';

const LABEL = '[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?';
const NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(\\.${LABEL})*$`);

const hostName = (): Joi.StringSchema =>
  Joi.string().max(253).pattern(NAME, 'be a host name: letters, digits, - and dots');

const address = (): Joi.StringSchema =>
  Joi.string()
    .max(45)
    .custom((text: string, helpers) =>
      isIP(text) === 0 || text.includes('%') ? helpers.error('container.address') : text,
    )
    .messages({ 'container.address': '{#label} must be an IP address without a zone' });

const portNumber = (): Joi.NumberSchema => Joi.number().integer().min(1).max(65_535);

export const publishedPortSchema = Joi.object<PublishedPort>({
  hostAddress: address().description('The address of the host; by default all of them').example('192.0.2.1'),
  hostPort: portNumber().required().description('The port of the host').example(8080),
  port: portNumber().required().description('The port in the container').example(80),
  protocol: Joi.string().valid('tcp', 'udp', 'sctp').description('`tcp` by default').example('tcp'),
}).label('port');

export const networkSchemas = {
  ports: Joi.array()
    .items(publishedPortSchema)
    .max(256)
    .description('Ports that the host forwards to the container; it needs a NIC on a network of the engine')
    .example([{ hostPort: 8080, port: 80 }]),
  aliases: Joi.array()
    .items(hostName())
    .max(32)
    .unique()
    .description('Names by which other containers on the same engine network reach it')
    .example(['db']),
  extraHosts: Joi.object()
    .pattern(NAME, address())
    .unknown(false)
    .messages({ 'object.unknown': '{#label} is no host name: use letters, digits, - and dots' })
    .description('Addresses by name, for its `/etc/hosts`')
    .example({ 'registry.example': '192.0.2.7' }),
  dns: Joi.array().items(address()).max(8).description('Its name servers').example(['192.0.2.53']),
  dnsSearch: Joi.array()
    .items(hostName())
    .max(32)
    .description('The domains in which it looks for short names')
    .example(['shop.example']),
} satisfies Record<keyof ContainerNetwork, Joi.Schema>;
