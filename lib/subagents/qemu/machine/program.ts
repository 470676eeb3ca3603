import { ExecaError, execa } from 'execa';
import { errorMessage, isErrno } from '../../../errors.js';

const PROBE_TIMEOUT_MS = 20_000;

/** The seccomp filters for `-sandbox` in qemu(1). */
export const SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';

/** Network devices that need more than a netdev to work. */
const SPECIAL_NICS = new Set(['pvrdma', 'rocker']);
const NIC_LINE = /^name "(?<name>[^"]+)", bus PCI/;

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
  if (!(error instanceof ExecaError)) return errorMessage(error);
  if (isErrno(error, 'ENOENT')) return 'the program is not installed (Debian: apt install qemu-system-x86)';
  return stderrMessage(String(error.stderr ?? '')) ?? error.shortMessage;
};

/** Extracts the last three error lines of QEMU's standard error, without the program's name; `undefined` without any. */
export const stderrMessage = (text: string): string | undefined => {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^\S*qemu-system-\S*: /, '').trim())
    // Only errors: warnings and infos do not end QEMU.
    .filter((line) => line !== '' && !/^(warning|info):/.test(line));
  return lines.length ? lines.slice(-3).join('; ') : undefined;
};

/** Whether QEMU ran but lacks the sandbox, could not enter it, or was killed by it. None of these will change. */
const isSandboxFailure = (error: unknown): boolean =>
  error instanceof ExecaError &&
  (error.signal === 'SIGSYS' ||
    (error.exitCode === 1 && /sandbox|seccomp/i.test(String(error.stderr ?? ''))));

/** The installed QEMU. Each of its features is probed once. */
export class QemuProgram {
  readonly path: string;
  #nicModels: Promise<string[]> | undefined;
  #sandbox: Promise<boolean> | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** The network devices that it can emulate, by QEMU's names. */
  nicModels(): Promise<string[]> {
    this.#nicModels ??= this.#probeNicModels();
    return this.#nicModels;
  }

  /**
   * Whether QEMU runs in its seccomp sandbox; it may be built without one, or the kernel may refuse it.
   * @throws when the probe fails for another reason, such as a missing program; the next call probes again
   */
  sandbox(): Promise<boolean> {
    this.#sandbox ??= this.#probeSandbox();
    return this.#sandbox;
  }

  /** Returns why QEMU does not work; `undefined` when it does. */
  async check(): Promise<string | undefined> {
    try {
      await execa(this.path, ['-version'], { timeout: PROBE_TIMEOUT_MS });
      return undefined;
    } catch (error) {
      return `${this.path}: ${failureMessage(error)}`;
    }
  }

  async #probeNicModels(): Promise<string[]> {
    try {
      const { stdout } = await execa(this.path, ['-device', 'help'], { timeout: PROBE_TIMEOUT_MS });
      return parseNicModels(stdout);
    } catch (error) {
      this.#nicModels = undefined;
      throw this.#failure(error);
    }
  }

  async #probeSandbox(): Promise<boolean> {
    const args = ['-machine', 'none', '-nodefaults', '-no-user-config', '-display', 'none', '-qmp', 'stdio'];
    try {
      await execa(this.path, [...args, '-sandbox', SANDBOX], {
        input: '{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n',
        timeout: PROBE_TIMEOUT_MS,
      });
      return true;
    } catch (error) {
      if (isSandboxFailure(error)) return false;
      this.#sandbox = undefined;
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): Error {
    return new Error(`${this.path}: ${failureMessage(error)}`, { cause: error });
  }
}
