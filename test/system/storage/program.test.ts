import { join } from 'node:path';
import { execa } from 'execa';
import getPort from 'get-port';
import { HEALTH_PATH } from '../../../lib/rpc/protocol/calls.js';
import { builtProgram } from '../../helpers/built-program.js';
import { needs } from '../../helpers/needs.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const MAIN = builtProgram('storage');

/** The methods of the original storage sub-agent. */
const CONTRACT_METHODS = [
  'ImageStore.ListImages',
  'ImageStore.GetImage',
  'ImageStore.RequestImage',
  'ImageStore.DeleteImage',
  'ImageStore.CloneImage',
  'ImageStore.ListSnapshots',
  'ImageStore.GetSnapshot',
  'ImageStore.CreateSnapshot',
  'ImageStore.DeleteSnapshot',
  'ImageStore.RollbackSnapshot',
  'ImageStore.VerifyDisks',
  'ImageStore.CreateGuestDisks',
  'ImageStore.DeleteGuestsDisks',
];

needs('qemu-img')(
  'the program serves all methods on the port of its environment until SIGTERM',
  async (t) => {
    const dir = await tempDir(t);
    const port = await getPort();
    const env = { MISTIFY_PORT: String(port), MISTIFY_STATE_DIR: join(dir, 'state'), MISTIFY_RUN_DIR: dir };
    const program = execa(process.execPath, [MAIN], { env, reject: false });
    t.teardown(() => void program.kill('SIGKILL'));
    let output = '';
    program.stdout.on('data', (data) => {
      output += data;
    });
    await until('the program listens', () => output.includes('storage listens'));
    const health = await fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`);
    const { status, methods } = (await health.json()) as { status: string; methods: string[] };
    t.is(status, 'ok');
    t.deepEqual(
      CONTRACT_METHODS.filter((method) => !methods.includes(method)),
      [],
    );
    program.kill('SIGTERM');
    t.is((await program).exitCode, 0);
  },
);
