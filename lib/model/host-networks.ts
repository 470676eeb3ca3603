import Joi from 'joi';

/** `user` is QEMU's own network for virtual machines, and the engine's default network for containers. */
const KINDS = ['bridge', 'openvswitch', 'engine', 'user'] as const;
const GUEST_KINDS = ['vm', 'container'] as const;

/** A network that the NIC of a guest can name. */
export interface HostNetwork {
  name: string;
  kind: (typeof KINDS)[number];
  /** The guests that this entry is about; a network has several entries where it differs between them. */
  guests: (typeof GUEST_KINDS)[number][];
  /** The driver of an engine network. */
  driver?: string;
  /** Its subnets in CIDR notation: those of the engine, or of the host's addresses on a bridge. */
  subnets: string[];
  /** Whether a NIC may name it. */
  usable: boolean;
  /** Why a NIC may not name it. */
  reason?: string;
}

/** The networks of the host. */
export interface HostNetworks {
  networks: HostNetwork[];
  /** What could not be listed, and why: one sentence each. */
  problems: string[];
}

export const hostNetworkSchema = Joi.object<HostNetwork>({
  name: Joi.string().required().description('What a NIC gives as its "network"').example('br0'),
  kind: Joi.string()
    .valid(...KINDS)
    .required()
    .description('A Linux bridge, an Open vSwitch bridge, a network of the container engine, or "user"'),
  guests: Joi.array()
    .items(Joi.string().valid(...GUEST_KINDS))
    .required()
    .description('The guests that this entry is about'),
  driver: Joi.string().description('The driver of an engine network').example('bridge'),
  subnets: Joi.array()
    .items(Joi.string())
    .required()
    .description('Its subnets, where they are known')
    .example(['192.0.2.0/24']),
  usable: Joi.boolean().required().description('Whether a NIC may name it'),
  reason: Joi.string().description('Why a NIC may not name it'),
}).label('host network');

export const hostNetworksSchema = Joi.object<HostNetworks>({
  networks: Joi.array().items(hostNetworkSchema).required(),
  problems: Joi.array().items(Joi.string()).required().description('What could not be listed, and why'),
}).label('host networks');
