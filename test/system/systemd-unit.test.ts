import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../lib/files/package-root.js';
import { needs } from '../helpers/needs.js';

const UNIT = join(packageRoot, 'config', 'mistify-agent.service');

const test = needs('systemd-analyze');

test('systemd-analyze accepts the unit', async (t) => {
  const { exitCode, stderr } = await execa('systemd-analyze', ['verify', '--man=no', UNIT], {
    reject: false,
  });
  t.deepEqual(
    { exitCode, complaints: stderr.split('\n').filter((line) => line.includes('mistify-agent')) },
    { exitCode: 0, complaints: [] },
  );
});

test('the unit gives the agent time to stop, and leaves guests running', async (t) => {
  const unit = await readFile(UNIT, 'utf8');
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
  const [drain, connections, subAgents] = [30, 10, 10];
  t.true(seconds > drain + connections + subAgents);
  t.regex(unit, /^KillMode=process$/m);
});
