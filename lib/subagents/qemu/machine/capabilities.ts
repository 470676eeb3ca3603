/** A machine type or a CPU model that a QEMU has. */
interface Supported {
  /** Whether QEMU's developers mean to remove it. */
  deprecated: boolean;
}

export interface CpuModel extends Supported {
  /** The features of the model that this host cannot give. */
  missing: readonly string[];
}

/** What the installed QEMU can give a guest. */
export interface Capabilities {
  /** `7.2.22` */
  version: string;
  /** By versioned name, such as `pc-q35-7.2`. */
  machines: ReadonlyMap<string, Supported>;
  /** The machine type that the alias `q35` stands for. */
  newest: string;
  cpuModels: ReadonlyMap<string, CpuModel>;
}

/** A part of QEMU's `MachineInfo` (qapi/machine.json). */
interface MachineInfo {
  name: string;
  alias?: string;
  deprecated?: boolean;
}

/** A part of QEMU's `CpuDefinitionInfo`. */
interface CpuDefinition {
  name: string;
  'unavailable-features'?: string[];
  deprecated?: boolean;
}

/** A part of QEMU's `VersionInfo` (qapi/control.json). */
export interface Version {
  qemu: { major: number; minor: number; micro: number };
}

/** Formats the version of a QEMU: `7.2.22`. */
export const versionText = ({ qemu: { major, minor, micro } }: Version): string =>
  `${major}.${minor}.${micro}`;

/** Ids of the commands, by which their responses are found. */
const ID = { version: 'version', machines: 'machines', cpuModels: 'cpu-models' };

/** The commands that a QEMU without a machine answers on its standard output: QMP. */
export const CAPABILITIES_QUERY = [
  { execute: 'qmp_capabilities' },
  { execute: 'query-version', id: ID.version },
  { execute: 'query-machines', id: ID.machines },
  { execute: 'query-cpu-definitions', id: ID.cpuModels },
  { execute: 'quit' },
]
  .map((command) => `${JSON.stringify(command)}\n`)
  .join('');

interface Response {
  id?: string;
  return?: unknown;
}

const isDeprecated = ({ deprecated }: { deprecated?: boolean }): boolean => deprecated === true;

/** @throws when the output lacks a response, or QEMU has no machine type q35 */
export const parseCapabilities = (output: string): Capabilities => {
  const responses = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Response);
  const find = <Result>(id: string): Result => {
    const found = responses.find((response) => response.id === id && response.return !== undefined);
    if (!found) throw new Error(`this QEMU did not tell its ${id}`);
    return found.return as Result;
  };
  const version = versionText(find<Version>(ID.version));
  const machines = find<MachineInfo[]>(ID.machines);
  const newest = machines.find(({ alias }) => alias === 'q35')?.name;
  if (newest === undefined) throw new Error('this QEMU has no machine type q35');
  return {
    version,
    machines: new Map(machines.map((info) => [info.name, { deprecated: isDeprecated(info) }])),
    newest,
    cpuModels: new Map(
      find<CpuDefinition[]>(ID.cpuModels).map((cpu) => [
        cpu.name,
        { deprecated: isDeprecated(cpu), missing: cpu['unavailable-features'] ?? [] },
      ]),
    ),
  };
};
