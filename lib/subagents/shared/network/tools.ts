import { ExecaError, execa } from 'execa';

const TIMEOUT_MS = 20_000;

/** The Debian package of each program that this directory runs. */
const PACKAGES = { ip: 'iproute2', bridge: 'iproute2', 'ovs-vsctl': 'openvswitch-switch' } as const;

export type Tool = keyof typeof PACKAGES;

/** Why a program did not do what it was asked to. */
export class ToolError extends Error {
  /** `undefined` when it did not run at all. */
  readonly exitCode: number | undefined;
  readonly missing: boolean;

  constructor(message: string, cause: ExecaError) {
    super(message, { cause });
    this.exitCode = cause.exitCode;
    this.missing = cause.code === 'ENOENT';
  }
}

/** Runs a program and answers what it printed. Tests put their own in its place. */
export type RunTool = (tool: Tool, ...args: string[]) => Promise<string>;

/**
 * @throws {ToolError} with the program's own words. ovs-vsctl(8) says on standard error, and not by its exit
 * code, that a device could not be joined.
 */
export const runTool: RunTool = async (tool, ...args) => {
  try {
    const { stdout, stderr } = await execa(tool, args, { timeout: TIMEOUT_MS, stdin: 'ignore' });
    return tool === 'ovs-vsctl' ? refuseComplaint(stdout, stderr) : stdout;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    if (error.code === 'ENOENT') {
      const message = `the program ${tool} is not installed (Debian: apt install ${PACKAGES[tool]})`;
      throw new ToolError(message, error);
    }
    const words = String(error.stderr ?? '').trim() || error.shortMessage;
    throw new ToolError(words.startsWith(tool) ? words : `${tool} ${args.join(' ')}: ${words}`, error);
  }
};

const refuseComplaint = (stdout: string, stderr: string): string => {
  const complaint = stderr.split('\n').find((line) => line.includes('Error detected'));
  if (complaint) throw new Error(complaint);
  return stdout;
};
