import { ExecaError, execa } from 'execa';
import { errorMessage, isErrno } from '../../../errors.js';

const PROBE_TIMEOUT_MS = 20_000;

/** seccomp(2) filters: `-sandbox` in qemu(1). */
export const SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';

/** Network cards that need more than a netdev to work. */
const SPECIAL_NICS = new Set(['pvrdma', 'rocker']);
const NIC_LINE = /^name "(?<name>[^"]+)", bus PCI/;

/** The network cards in the output of `qemu-system-x86_64 -device help`. */
export const parseNicModels = (help: string): string[] => {
  const from = help.indexOf('Network devices:');
  if (from < 0) return [];
  const section = help.slice(from).split(/\n\s*\n/, 1)[0] ?? '';
  return section
    .split('\n')
    .map((line) => NIC_LINE.exec(line)?.groups?.name)
    .filter((name): name is string => name !== undefined && !SPECIAL_NICS.has(name));
};

/** What QEMU wrote about its failure, without the program's name before each line. */
export const qemuComplaint = (error: unknown): string => {
  if (!(error instanceof ExecaError)) return errorMessage(error);
  if (isErrno(error, 'ENOENT')) return 'the program is not installed (Debian: apt install qemu-system-x86)';
  return complaintIn(String(error.stderr ?? '')) ?? error.shortMessage;
};

/** The same of what QEMU wrote on its standard error, `undefined` when that is nothing. */
export const complaintIn = (text: string): string | undefined => {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^\S*qemu-system-\S*: /, '').trim())
    // The options file of a device is repeated before what is wrong with it.
    .filter((line) => line !== '' && !/^(warning|info):/.test(line));
  return lines.length ? lines.slice(-3).join('; ') : undefined;
};

/** Whether QEMU ran, and says that it has no sandbox or cannot enter it, or was killed by it: that will not change. */
const refusesSandbox = (error: unknown): boolean =>
  error instanceof ExecaError &&
  (error.signal === 'SIGSYS' ||
    (error.exitCode === 1 && /sandbox|seccomp/i.test(String(error.stderr ?? ''))));

/** The installed QEMU: what it can do is asked once. */
export class QemuProgram {
  readonly path: string;
  #nicModels: Promise<string[]> | undefined;
  #sandbox: Promise<boolean> | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** The network cards that it has, by QEMU's names. */
  nicModels(): Promise<string[]> {
    this.#nicModels ??= this.#askNicModels();
    return this.#nicModels;
  }

  /**
   * Whether it runs with its seccomp sandbox: it may be built without, and the kernel may refuse.
   * @throws when that cannot be told now: it is not installed, say
   */
  sandbox(): Promise<boolean> {
    this.#sandbox ??= this.#trySandbox();
    return this.#sandbox;
  }

  /** What keeps it from working, `undefined` when nothing does. */
  async check(): Promise<string | undefined> {
    try {
      await execa(this.path, ['-version'], { timeout: PROBE_TIMEOUT_MS });
      return undefined;
    } catch (error) {
      return `${this.path}: ${qemuComplaint(error)}`;
    }
  }

  async #askNicModels(): Promise<string[]> {
    try {
      const { stdout } = await execa(this.path, ['-device', 'help'], { timeout: PROBE_TIMEOUT_MS });
      return parseNicModels(stdout);
    } catch (error) {
      this.#nicModels = undefined;
      throw this.#failure(error);
    }
  }

  async #trySandbox(): Promise<boolean> {
    const args = ['-machine', 'none', '-nodefaults', '-no-user-config', '-display', 'none', '-qmp', 'stdio'];
    try {
      await execa(this.path, [...args, '-sandbox', SANDBOX], {
        input: '{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n',
        timeout: PROBE_TIMEOUT_MS,
      });
      return true;
    } catch (error) {
      if (refusesSandbox(error)) return false;
      this.#sandbox = undefined;
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): Error {
    return new Error(`${this.path}: ${qemuComplaint(error)}`, { cause: error });
  }
}
