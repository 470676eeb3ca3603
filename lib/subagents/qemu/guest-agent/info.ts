import type { Schema } from 'joi';
import { certainNames, diskLabels } from '../../../model/disks.js';
import {
  ABILITIES,
  type Ability,
  type AgentAddress,
  type AgentFileSystem,
  type GuestAgentInfo,
} from '../../../model/guest-agent.js';
import { toMb } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Definition } from '../machine/definition.js';
import { CommandFailed, type GuestAgents, type RunCommand } from './agents.js';
import {
  fileSystemsResponse,
  hostNameResponse,
  infoResponse,
  interfacesResponse,
  osResponse,
  timezoneResponse,
  usersResponse,
} from './responses.js';

/** The commands that each ability takes. */
const COMMANDS: Record<Ability, readonly string[]> = {
  exec: ['guest-exec', 'guest-exec-status'],
  files: ['guest-file-open', 'guest-file-read', 'guest-file-write', 'guest-file-seek', 'guest-file-close'],
  password: ['guest-set-user-password'],
  sshKeys: ['guest-ssh-add-authorized-keys'],
  trim: ['guest-fstrim'],
  clock: ['guest-get-time', 'guest-set-time'],
  freeze: ['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw'],
};

/** Runs a command if the agent allows it; `undefined` without it, when it fails, and for a response that makes no sense. */
type Ask = <Response>(command: string, schema: Schema<Response>) => Promise<Response | undefined>;

const makeAsk =
  (run: RunCommand, allowed: ReadonlySet<string>): Ask =>
  async (command, schema) => {
    if (!allowed.has(command)) return undefined;
    try {
      const { value, error } = schema.validate(await run(command));
      return error ? undefined : value;
    } catch (error) {
      // Without utmp, for example, it cannot list users. An agent that hangs is no such failure.
      if (error instanceof CommandFailed) return undefined;
      throw error;
    }
  };

const LOOPBACK = /^(127\.|::1$)/;

const addressesOf = async (ask: Ask, { nics }: Definition): Promise<AgentAddress[] | undefined> => {
  const interfaces = await ask('guest-network-get-interfaces', interfacesResponse);
  return interfaces?.flatMap(({ name, 'hardware-address': mac, 'ip-addresses': addresses = [] }) => {
    const nic = nics.findIndex(
      (own) => own.mac !== undefined && own.mac.toLowerCase() === mac?.toLowerCase(),
    );
    return addresses
      .filter(({ 'ip-address': address }) => !LOOPBACK.test(address))
      .map(({ 'ip-address': address, prefix }) => ({
        ...(nic === -1 ? {} : { nic }),
        interface: name,
        ...(mac ? { mac } : {}),
        address,
        prefix,
      }));
  });
};

/** Returns the name of the disk that a partition of Linux is on: `vda` for `/dev/vda2`. */
const diskName = (path: string): string => path.replace(/^\/dev\//, '').replace(/\d+$/, '');

const fileSystemsOf = async (ask: Ask, { id, disks }: Definition): Promise<AgentFileSystem[] | undefined> => {
  const labels = diskLabels(id, disks);
  const names = certainNames(disks);
  const found = await ask('guest-get-fsinfo', fileSystemsResponse);
  return found?.map(({ mountpoint, type, 'total-bytes': size, 'used-bytes': used, disk }) => ({
    mountpoint,
    type,
    ...(size === undefined ? {} : { size: toMb(size) }),
    ...(used === undefined ? {} : { used: toMb(used) }),
    disks: disk.flatMap(({ serial, dev }) => {
      // The agent of a guest without udev knows no serials.
      const index = disks.findIndex((own, n) =>
        serial ? own.serial === serial : dev !== undefined && names[n] === diskName(dev),
      );
      return labels[index] ?? dev ?? serial ?? [];
    }),
  }));
};

const osOf = async (ask: Ask): Promise<GuestAgentInfo['os']> => {
  const os = await ask('guest-get-osinfo', osResponse);
  if (!os) return undefined;
  const { id, name = os['pretty-name'], version, 'kernel-release': kernel } = os;
  return {
    ...(id ? { id } : {}),
    ...(name ? { name } : {}),
    ...(version ? { version } : {}),
    ...(kernel ? { kernel } : {}),
  };
};

const present = <Value extends object>(value: Value): { [Key in keyof Value]?: NonNullable<Value[Key]> } =>
  Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [Key in keyof Value]?: NonNullable<Value[Key]>;
  };

const askAll = async (run: RunCommand, definition: Definition): Promise<GuestAgentInfo> => {
  const { value, error } = infoResponse.validate(await run('guest-info'));
  if (error || !value)
    throw new Refusal('conflict', `guest ${definition.id}: its guest agent sent nonsense: ${error?.message}`);
  const { version, supported_commands } = value;
  const allowed = new Set(supported_commands.filter(({ enabled }) => enabled).map(({ name }) => name));
  const abilities = Object.fromEntries(
    ABILITIES.map((ability) => [ability, COMMANDS[ability].every((command) => allowed.has(command))]),
  ) as Record<Ability, boolean>;
  const ask = makeAsk(run, allowed);
  const timezone = await ask('guest-get-timezone', timezoneResponse);
  const users = await ask('guest-get-users', usersResponse);
  return {
    responds: true,
    version,
    abilities,
    ...present({
      hostname: (await ask('guest-get-host-name', hostNameResponse))?.['host-name'],
      os: await osOf(ask),
      addresses: await addressesOf(ask, definition),
      fileSystems: await fileSystemsOf(ask, definition),
      users: users?.map(({ user, 'login-time': login }) => ({
        name: user,
        since: new Date(login * 1000).toISOString(),
      })),
      timezone: timezone && present({ name: timezone.zone, offset: timezone.offset }),
    }),
  } as GuestAgentInfo;
};

/** Asks a guest's agent about the guest. That none responds is a result, because many guests have none. */
export const agentInfo = async (
  agents: GuestAgents,
  id: string,
  signal: AbortSignal,
): Promise<GuestAgentInfo> => {
  const { record } = agents.guests.get(id);
  try {
    return await agents.use(id, (run) => askAll(run, record.definition), signal);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { responds: false, reason: error.message };
  }
};

/** Asks a guest's agent for the guest's addresses alone; `undefined` when it does not allow that. */
export const agentAddresses = (
  agents: GuestAgents,
  id: string,
  signal?: AbortSignal,
): Promise<AgentAddress[] | undefined> => {
  const { definition } = agents.guests.get(id).record;
  const ask = (run: RunCommand) => makeAsk(run, new Set(['guest-network-get-interfaces']));
  return agents.use(id, (run) => addressesOf(ask(run), definition), signal);
};
