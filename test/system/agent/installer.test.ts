import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importImage } from '../../helpers/agent-linux.js';
import { INSTALLER_CD_PARTS, makeInstallerCd } from '../../helpers/debian-installer.js';
import { needsInTurn } from '../../helpers/needs.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';

const test = needsInTurn('qemu-system-x86_64', 'qemu-img', ...INSTALLER_CD_PARTS);

const WAIT_MS = 600_000;

test('a guest with a blank disk starts Debian’s installer from a CD, up to its first question', async (t) => {
  t.timeout(WAIT_MS * 2);
  const agent = await startRealAgent(t);
  const { client, dbpath } = agent;
  await importImage(agent, 'debian-netboot', await makeInstallerCd(t));
  t.like(await client.images.get('debian-netboot'), { kind: 'iso', boots: ['bios'] });

  // With less memory, the first screen is a warning of the installer's.
  const created = await client.guests.create({
    ...{ memory: 1024, cpu: 1, disks: [{ size: 1024 }], cdroms: [{ image: 'debian-netboot' }] },
  });
  await client.waitForJob(created.jobId);
  const { id } = created.body;
  const output = (): Promise<string> => readFile(join(dbpath, 'qemu/guests', id, 'serial.log'), 'latin1');
  const asks = async (): Promise<boolean> => (await output()).includes('Select a language');
  await until('the installer asks for the language', asks, WAIT_MS);
  t.like(await client.guests.get(id), {
    state: 'running',
    cdroms: [{ device: 'cd0', image: 'debian-netboot' }],
  });
});
