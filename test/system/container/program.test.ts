import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import getPort from 'get-port';
import { HEALTH_PATH, type Health } from '../../../lib/rpc/protocol/calls.js';
import { builtProgram } from '../../helpers/built-program.js';
import { tempDir } from '../../helpers/temp.js';

const MAIN = builtProgram('container');

/** The methods of the original container sub-agent. */
const CONTRACT_METHODS = [
  'MDocker.ListContainers',
  'MDocker.GetContainer',
  'MDocker.DeleteContainer',
  'MDocker.SaveContainer',
  'MDocker.CreateContainer',
  'MDocker.StartContainer',
  'MDocker.StopContainer',
  'MDocker.RestartContainer',
  'MDocker.RebootContainer',
  'MDocker.PauseContainer',
  'MDocker.UnpauseContainer',
  'MDocker.ListImages',
  'MDocker.GetImage',
  'MDocker.LoadImage',
  'MDocker.DeleteImage',
];

test('without an engine, the program logs the sockets it tried once, and serves all methods until SIGTERM', async (t) => {
  const dir = await tempDir(t);
  const port = await getPort();
  const env = {
    MISTIFY_PORT: String(port),
    MISTIFY_STATE_DIR: join(dir, 'state'),
    DOCKER_HOST: `unix://${dir}/none.sock`,
  };
  const program = execa(process.execPath, [MAIN], { env, reject: false });
  t.teardown(() => void program.kill('SIGKILL'));
  let output = '';
  program.stdout.on('data', (data) => {
    output += data;
  });
  while (!output.includes('container listens')) await once(program.stdout, 'data');
  t.is(output.match(/no container engine at/g)?.length, 1);
  t.regex(output, new RegExp(`no container engine at ${dir}/none.sock`));
  const health = await fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`);
  const { status, message, methods } = (await health.json()) as Health;
  t.is(status, 'degraded');
  t.is(message, `no container engine at ${dir}/none.sock: containers cannot run`);
  t.deepEqual(
    CONTRACT_METHODS.filter((method) => !methods.includes(method)),
    [],
  );
  program.kill('SIGTERM');
  t.is((await program).exitCode, 0);
});
