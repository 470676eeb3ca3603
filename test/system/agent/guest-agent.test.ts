import { join } from 'node:path';
import { SerialConsole } from '../../../scripts/demo/serial-console.js';
import { buildGuestImage } from '../../../scripts/guest-image.js';
import { AGENT_PARTS, makeAgentDisk, startAgent } from '../../helpers/agent-disk.js';
import { importImage } from '../../helpers/agent-linux.js';
import { view } from '../../helpers/console.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { startRealAgent } from '../../helpers/real-agent.js';

const BOOT_SECONDS = 240;

needs(...LINUX_PARTS, ...AGENT_PARTS)(
  'a snapshot of a running guest is consistent for file systems once its guest agent runs, for a crash before that',
  async (t) => {
    t.timeout(300_000);
    const agent = await startRealAgent(t);
    const { client, url, dbpath } = agent;
    await importImage(agent, 'linux', await buildGuestImage());
    await importImage(agent, 'agent', await makeAgentDisk(t));
    const disks = [{ image: 'linux' }, { image: 'agent' }];
    const { body, jobId } = await client.guests.create({ memory: 128, cpu: 1, disks });
    await client.waitForJob(jobId);
    const serialLog = join(dbpath, 'qemu/guests', body.id, 'serial.log');
    await new SerialConsole(serialLog).waitFor('mistify-guest: up', { seconds: BOOT_SECONDS });

    const snapshots = client.snapshotsOf(body.id);
    const consistencyOf = async (name: string): Promise<unknown[]> => {
      await client.waitForJob((await snapshots.create(name)).jobId);
      return (await snapshots.get(name)).map(({ consistency }) => consistency);
    };
    t.deepEqual(await consistencyOf('before'), ['crash', 'crash']);

    const viewer = await view(`${url}/guests/${body.id}/console/serial`);
    viewer.type(startAgent());
    await viewer.sees('it is listening', 60_000);
    viewer.leave();
    t.deepEqual(await consistencyOf('with-agent'), ['filesystem', 'filesystem']);
  },
);
