import { ProgramError, runProgram } from '../../../process/run-program.js';

const TIMEOUT_MS = 20_000;

/** The programs that set up networks, each with its Debian package. */
const PACKAGES = { ip: 'iproute2', bridge: 'iproute2', 'ovs-vsctl': 'openvswitch-switch' } as const;

export type Tool = keyof typeof PACKAGES;

/** A program failed or could not be run. */
export class ToolError extends Error {
  /** `undefined` when the program did not run. */
  readonly exitCode: number | undefined;
  /** Whether the program is not installed. */
  readonly missing: boolean;
  /** Whether the program gave up because its service did not respond: ovs-vsctl(8) then ends itself by SIGALRM. */
  readonly timedOut: boolean;

  constructor(message: string, cause: ProgramError) {
    super(message, { cause });
    this.exitCode = cause.exitCode;
    this.missing = cause.isMissing;
    this.timedOut = cause.timedOut || cause.signal === 'SIGALRM';
  }
}

/** Runs a program and resolves to its standard output. */
export type RunTool = (tool: Tool, ...args: string[]) => Promise<string>;

/** @throws when ovs-vsctl(8) exits with 0 but reports on standard error that ovs-vswitchd could not add a port */
const throwIfErrorDetected = (stderr: string): void => {
  const complaint = stderr.split('\n').find((line) => line.includes('Error detected'));
  if (complaint) throw new Error(complaint);
};

/** @throws {ToolError} with what the program wrote to standard error */
export const runTool: RunTool = async (tool, ...args) => {
  try {
    const { stdout, stderr } = await runProgram(tool, args, { timeoutMs: TIMEOUT_MS });
    if (tool === 'ovs-vsctl') throwIfErrorDetected(stderr);
    return stdout;
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    if (error.isMissing) {
      const message = `the program ${tool} is not installed (Debian: apt install ${PACKAGES[tool]})`;
      throw new ToolError(message, error);
    }
    const { message } = error;
    throw new ToolError(message.startsWith(tool) ? message : `${tool} ${args.join(' ')}: ${message}`, error);
  }
};
