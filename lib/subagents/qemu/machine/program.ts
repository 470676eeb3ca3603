import { stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { errorMessage } from '../../../errors.js';
import { ProgramError, type ProgramOutput, runProgram } from '../../../process/run-program.js';
import type { Accel } from './accel.js';
import { CAPABILITIES_QUERY, type Capabilities, parseCapabilities } from './capabilities.js';

const PROBE_TIMEOUT_MS = 20_000;

/** The seccomp filters for `-sandbox` in qemu(1). */
export const SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';

/** Network devices that need more than a netdev to work. */
const SPECIAL_NICS = new Set(['pvrdma', 'rocker']);
const NIC_LINE = /^name "(?<name>[^"]+)", bus PCI/;

/** The option ROM of virtio NICs. */
const NIC_ROM = 'efi-virtio.rom';

/** Parses the network devices out of `qemu-system-x86_64 -device help`. */
export const parseNicModels = (help: string): string[] => {
  const from = help.indexOf('Network devices:');
  if (from < 0) return [];
  const section = help.slice(from).split(/\n\s*\n/, 1)[0] ?? '';
  return section
    .split('\n')
    .map((line) => NIC_LINE.exec(line)?.groups?.name)
    .filter((name): name is string => name !== undefined && !SPECIAL_NICS.has(name));
};

/** Explains why QEMU failed, in its own words if it wrote any. */
const failureMessage = (error: unknown): string => {
  if (!(error instanceof ProgramError)) return errorMessage(error);
  if (error.isMissing) return 'the program is not installed (Debian: apt install qemu-system-x86)';
  return stderrMessage(error.stderr) ?? error.message;
};

/**
 * A warning does not end QEMU. It may follow the option that it is about: `-mon chardev=qmp: warning: …`. Neither does the
 * notice of its VNC server's address.
 */
const NO_ERROR = /(^|: )(warning|info): |^VNC server running on /;

/** Extracts the last three error lines of QEMU's standard error, without the program's name; `undefined` without any. */
export const stderrMessage = (text: string): string | undefined => {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^\S*qemu-system-\S*: /, '').trim())
    .filter((line) => line !== '' && !NO_ERROR.test(line));
  return lines.length ? lines.slice(-3).join('; ') : undefined;
};

/** Whether QEMU ran but lacks the sandbox, could not enter it, or was killed by it. None of these will change. */
const isSandboxFailure = (error: unknown): boolean =>
  error instanceof ProgramError &&
  (error.signal === 'SIGSYS' || (error.exitCode === 1 && /sandbox|seccomp/i.test(error.stderr)));

/** A QEMU that has no machine and takes QMP commands on its standard input. */
const BARE_QEMU = [
  ...['-machine', 'none', '-nodefaults', '-no-user-config'],
  ...['-display', 'none', '-qmp', 'stdio'],
];

/** Identifies the file that a program's name stands for: it changes when the program is upgraded. */
const stampOf = async (program: string): Promise<string> => {
  const dirs = program.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  for (const dir of dirs) {
    const file = await stat(join(dir, program)).catch(() => undefined);
    if (file?.isFile()) return `${file.dev}:${file.ino}:${file.size}:${file.mtimeMs}`;
  }
  return '';
};

/** The installed QEMU. Each of its features is probed once, and again after its package was upgraded. */
export class QemuProgram {
  readonly path: string;
  readonly accel: Accel;
  readonly #probes = new Map<string, Promise<unknown>>();
  #stamp = '';

  constructor(path: string, accel: Accel) {
    this.path = path;
    this.accel = accel;
  }

  /** The network devices that it can emulate, by QEMU's names. */
  nicModels(): Promise<string[]> {
    return this.#once('nicModels', () => this.#probeNicModels());
  }

  /** Whether QEMU finds the option ROMs with which a BIOS boots from NICs, of iPXE. */
  hasNicRoms(): Promise<boolean> {
    return this.#once('nicRoms', () => this.#probeNicRoms());
  }

  /** The machine types and CPU models that it has, with its accelerator on this host. */
  capabilities(): Promise<Capabilities> {
    return this.#once('capabilities', () => this.#probeCapabilities());
  }

  /**
   * Whether QEMU runs in its seccomp sandbox; it may be built without one, or the kernel may refuse it.
   * @throws when the probe fails for another reason, such as a missing program; the next call probes again
   */
  sandbox(): Promise<boolean> {
    return this.#once('sandbox', () => this.#probeSandbox());
  }

  /** Whether the program's file has changed since the last probe. */
  async isUpgraded(): Promise<boolean> {
    return (await stampOf(this.path)) !== this.#stamp;
  }

  /** Returns why QEMU does not work; `undefined` when it does. */
  async check(): Promise<string | undefined> {
    try {
      await this.#run(['-version']);
      return undefined;
    } catch (error) {
      return `${this.path}: ${failureMessage(error)}`;
    }
  }

  /** Shares the result of a probe, until the program is another one. A probe that failed runs again. */
  async #once<Result>(name: string, run: () => Promise<Result>): Promise<Result> {
    const stamp = await stampOf(this.path);
    if (stamp !== this.#stamp) this.#probes.clear();
    this.#stamp = stamp;
    const earlier = this.#probes.get(name);
    if (earlier !== undefined) return earlier as Promise<Result>;
    const probe = run().catch((error) => {
      this.#probes.delete(name);
      throw this.#failure(error);
    });
    this.#probes.set(name, probe);
    return probe;
  }

  async #probeNicModels(): Promise<string[]> {
    const { stdout } = await this.#run(['-device', 'help']);
    return parseNicModels(stdout);
  }

  /** `-L help` lists the directories of QEMU's data: qemu(1). */
  async #probeNicRoms(): Promise<boolean> {
    const { stdout } = await this.#run(['-L', 'help']);
    const paths = stdout.split('\n').map((dir) => join(dir.trim(), NIC_ROM));
    const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
    return found.some((file) => file?.isFile());
  }

  async #probeCapabilities(): Promise<Capabilities> {
    const { stdout } = await this.#run([...BARE_QEMU, '-accel', this.accel], CAPABILITIES_QUERY);
    return parseCapabilities(stdout);
  }

  async #probeSandbox(): Promise<boolean> {
    try {
      await this.#run(
        [...BARE_QEMU, '-sandbox', SANDBOX],
        '{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n',
      );
      return true;
    } catch (error) {
      if (isSandboxFailure(error)) return false;
      throw error;
    }
  }

  #run(args: readonly string[], input = ''): Promise<ProgramOutput> {
    return runProgram(this.path, args, { timeoutMs: PROBE_TIMEOUT_MS, input });
  }

  #failure(error: unknown): Error {
    return new Error(`${this.path}: ${failureMessage(error)}`, { cause: error });
  }
}
