import { execa } from 'execa';

/** Leaves a unix socket behind, as a killed process does. */
export const leaveStaleSocket = async (path: string): Promise<void> => {
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await execa(process.execPath, ['-e', code], { reject: false });
};

/** Runs a program as a local user who owns nothing. Needs root. */
export const runAsNobody = async (
  program: string,
  ...args: string[]
): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> => {
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--'];
  const { exitCode, stdout, stderr } = await execa('setpriv', [...nobody, program, ...args], {
    reject: false,
    timeout: 20_000,
  });
  return { exitCode, stdout, stderr };
};
