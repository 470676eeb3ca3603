import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../lib/files/package-root.js';
import { needs } from '../helpers/needs.js';

const UNIT = join(packageRoot, 'config', 'mistify-agent.service');
const GUESTS_UNIT = join(packageRoot, 'config', 'mistify-guests.service');

const test = needs('systemd-analyze');

test('systemd-analyze accepts the units', async (t) => {
  const { exitCode, stderr } = await execa('systemd-analyze', ['verify', '--man=no', UNIT, GUESTS_UNIT], {
    reject: false,
  });
  t.deepEqual(
    { exitCode, complaints: stderr.split('\n').filter((line) => line.includes('mistify-')) },
    { exitCode: 0, complaints: [] },
  );
});

test('the unit of the guests stops before the agent, waits for them, and does not follow its restarts', async (t) => {
  const unit = await readFile(GUESTS_UNIT, 'utf8');
  t.regex(unit, /^After=mistify-agent\.service /m);
  t.notRegex(unit, /^(Requires|BindsTo|PartOf)=/m);
  const [, within] =
    /^ExecStop=.* host down --within (\d+) --force \$MISTIFY_DOWN_OPTIONS$/m.exec(unit) ?? [];
  const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(unit) ?? [];
  t.true(Number(seconds) > 2 * Number(within));
});

test('the unit gives the agent time to stop, and leaves guests running', async (t) => {
  const unit = await readFile(UNIT, 'utf8');
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
  const [drain, connections, subAgents] = [30, 10, 10];
  t.true(seconds > drain + connections + subAgents);
  t.regex(unit, /^KillMode=process$/m);
});
