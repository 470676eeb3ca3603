import Joi from 'joi';

/** The abilities of a guest agent, each of which takes a few of its commands. */
export const ABILITIES = ['exec', 'files', 'password', 'sshKeys', 'trim', 'clock', 'freeze'] as const;
export type Ability = (typeof ABILITIES)[number];

/** An IP address that a guest has, as its guest agent reports it. */
export interface AgentAddress {
  /** The number of the guest's NIC with that MAC address; absent for an interface that is none of its NICs. */
  nic?: number;
  /** The name of the interface in the guest. */
  interface: string;
  mac?: string;
  address: string;
  /** Its length in bits. */
  prefix: number;
}

/** A mounted file system of a guest. */
export interface AgentFileSystem {
  mountpoint: string;
  type: string;
  /** MB; absent when the guest agent does not tell. */
  size?: number;
  /** MB. */
  used?: number;
  /** The disks that it is on, by the label of the guest's disk or, for others, by their path in the guest. */
  disks: string[];
}

export interface AgentUser {
  name: string;
  /** When the user logged in. */
  since: string;
}

/**
 * What a guest's agent says about the guest. A part is absent when the agent does not allow its command; all are, when it
 * does not respond.
 */
export interface GuestAgentInfo {
  responds: boolean;
  /** Why it does not respond, and what to do. */
  reason?: string;
  version?: string;
  /** Whether the guest agent allows each ability. */
  abilities?: Record<Ability, boolean>;
  hostname?: string;
  os?: { id?: string; name?: string; version?: string; kernel?: string };
  addresses?: AgentAddress[];
  fileSystems?: AgentFileSystem[];
  /** Users who are logged in. */
  users?: AgentUser[];
  timezone?: { name?: string; offset: number };
}

const words = (): Joi.StringSchema => Joi.string().allow('');
const mb = (): Joi.NumberSchema => Joi.number().min(0);

export const agentAddressSchema = Joi.object<AgentAddress>({
  nic: Joi.number()
    .integer()
    .min(0)
    .description('The number of the NIC; absent for an interface that is not a NIC of the guest'),
  interface: words().required().description('The name of the interface in the guest').example('eth0'),
  mac: words().example('52:54:00:12:34:56'),
  address: words().required().example('10.0.2.15'),
  prefix: Joi.number().integer().min(0).max(128).required().example(24),
}).label('agent address');

const fileSystemSchema = Joi.object<AgentFileSystem>({
  mountpoint: words().required().example('/'),
  type: words().required().example('ext4'),
  size: mb().description('MB; absent when the guest agent does not tell').example(10_000),
  used: mb().description('MB').example(1200),
  disks: Joi.array()
    .items(words())
    .required()
    .description('The disks that it is on: by the label of the disk, or else by its path in the guest')
    .example(['vda']),
}).label('agent file system');

export const guestAgentInfoSchema = Joi.object<GuestAgentInfo>({
  responds: Joi.boolean().required().description('Whether a guest agent responds'),
  reason: words().description('Why none responds, and what to do'),
  version: words().description('The version of the guest agent').example('7.2.22'),
  abilities: Joi.object(
    Object.fromEntries(ABILITIES.map((ability) => [ability, Joi.boolean().required()])),
  ).description('Whether the guest agent allows each ability'),
  hostname: words().example('web'),
  os: Joi.object({
    id: words().example('debian'),
    name: words().example('Debian GNU/Linux'),
    version: words().example('12 (bookworm)'),
    kernel: words().example('6.1.0-18-amd64'),
  }),
  addresses: Joi.array().items(agentAddressSchema),
  fileSystems: Joi.array().items(fileSystemSchema),
  users: Joi.array()
    .items(Joi.object({ name: words().required(), since: Joi.string().isoDate().required() }))
    .description('Users who are logged in'),
  timezone: Joi.object({
    name: words().example('UTC'),
    offset: Joi.number().integer().required().description('Seconds east of UTC'),
  }),
}).label('guest agent');
