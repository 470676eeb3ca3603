import { InvalidArgumentError } from 'commander';

/** The capabilities of capabilities(7) that engines know, without `CAP_`. */
const KNOWN: ReadonlySet<string> = new Set(
  `AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER
  FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE
  NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT
  SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG WAKE_ALARM`.split(/\s+/),
);

/** Reads a capability's name in any case, with or without `CAP_`; `undefined` when Linux has no such capability. */
export const parseCapability = (text: string): string | undefined => {
  const name = text.toUpperCase().replace(/^CAP_/, '');
  return KNOWN.has(name) ? name : undefined;
};

/** What containers may do to their host. */
export interface Policy {
  /** The capabilities of each container. */
  capabilities: readonly string[];
  /** The capabilities that a guest may add. */
  allowedCapabilities: readonly string[];
  /** The most processes and threads that a container may have; 0 for no limit. */
  pidsLimit: number;
  /** Whether programs gain privileges by set-user-ID bits and file capabilities: PR_SET_NO_NEW_PRIVS(2const). */
  newPrivileges: boolean;
  /** The drivers of engine networks that a NIC may use although they do not keep it apart from the host. */
  networkDrivers: readonly string[];
  /** The devices of the host that a guest may have: paths, names of CDI devices, or all of a kind with `=*`. */
  allowedDevices: readonly string[];
  /** The directories of the host that a guest may mount, with what is below them. */
  bindDirs: readonly string[];
}

/** As Podman 5: Docker's default, without the capabilities that `allowedCapabilities` has instead. */
export const DEFAULT_POLICY: Policy = {
  capabilities: [
    ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'NET_BIND_SERVICE'],
    ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
  ],
  allowedCapabilities: ['AUDIT_WRITE', 'MKNOD', 'NET_RAW'],
  pidsLimit: 2048,
  newPrivileges: false,
  networkDrivers: [],
  allowedDevices: [],
  bindDirs: [],
};

/** The command-line options of a policy. */
export interface PolicyOptions {
  capability?: string[];
  allowCapability?: string[];
  pidsLimit?: number;
  allowNewPrivileges?: boolean;
  allowNetworkDriver?: string[];
  allowDevice?: string[];
  allowBind?: string[];
}

/** Returns the policy of a command line. Capabilities that a guest may add add up with the default ones. */
export const policyOf = (options: PolicyOptions): Policy => ({
  capabilities: options.capability ?? DEFAULT_POLICY.capabilities,
  allowedCapabilities: [...DEFAULT_POLICY.allowedCapabilities, ...(options.allowCapability ?? [])],
  pidsLimit: options.pidsLimit ?? DEFAULT_POLICY.pidsLimit,
  newPrivileges: options.allowNewPrivileges ?? DEFAULT_POLICY.newPrivileges,
  networkDrivers: options.allowNetworkDriver ?? DEFAULT_POLICY.networkDrivers,
  allowedDevices: options.allowDevice ?? DEFAULT_POLICY.allowedDevices,
  bindDirs: options.allowBind ?? DEFAULT_POLICY.bindDirs,
});

/** @throws {InvalidArgumentError} when Linux has no such capability */
export const capabilityArgument = (text: string, earlier: string[] = []): string[] => {
  const name = parseCapability(text);
  if (name === undefined)
    throw new InvalidArgumentError(`Linux has no capability ${text}: see capabilities(7).`);
  return [...earlier, name];
};

/** @throws {InvalidArgumentError} when it is not a number of processes */
export const pidsLimitArgument = (text: string): number => {
  if (!/^\d{1,7}$/.test(text))
    throw new InvalidArgumentError('give a number of processes, or 0 for no limit.');
  return Number(text);
};
