import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { GuestSpec, Job, WarmRequest } from '../../lib/client/index.js';
import { buildGuestImage } from '../../scripts/guest-image.js';
import { makeAgentDisk } from './agent-disk.js';
import { finishJob, importImage } from './agent-linux.js';
import type { RealAgent } from './real-agent.js';

/** Warms the tiny Linux once it is up. It has no guest agent, and its kernel may lack vmgenid. */
export const WHEN_UP: WarmRequest = {
  ready: { serial: 'mistify-guest: up' },
  randomness: 'shared',
  timeout: 240,
};

/** Starts QEMU's guest agent from the second disk, and leaves a hook that notes each of its runs. */
const USER_DATA = `#!/bin/sh
mkdir -p /agent /etc/mistify /sbin
ln -s /bin/hwclock /sbin/hwclock
mkdir -p /var/lib/dbus
for path in /etc/machine-id /var/lib/dbus/machine-id; do echo 0123456789abcdef0123456789abcdef > $path; done
mount /dev/vdb /agent
mkdir -p /etc/ssh
echo old > /etc/ssh/ssh_host_rsa_key
printf '#!/bin/sh\\n[ "$1 $2" = "-A -f" ] && echo new > $3/etc/ssh/ssh_host_rsa_key\\n' > /bin/ssh-keygen
chmod 755 /bin/ssh-keygen
printf '#!/bin/sh\\necho run >> /run/hook\\n' > /etc/mistify/resumed
chmod 755 /etc/mistify/resumed
LD_LIBRARY_PATH=/agent /agent/ld-linux-x86-64.so.2 /agent/qemu-ga -p /dev/vport0p1 -t /run &
`;

const template = async (agent: RealAgent, spec: GuestSpec): Promise<string> => {
  const { client } = agent;
  const created = await client.guests.create({ memory: 128, cpu: 1, nics: [{ network: 'user' }], ...spec });
  await client.waitForJob(created.jobId);
  const { id } = created.body;
  await finishJob(agent, client.guests.perform(id, 'poweroff'));
  await finishJob(agent, client.guests.update(id, { template: true }));
  return id;
};

/** Makes a template of the tiny Linux, with one NIC. */
export const makeTemplate = async (agent: RealAgent, spec: GuestSpec = {}): Promise<string> => {
  await importImage(agent, 'tiny', await buildGuestImage());
  return template(agent, { image: 'tiny', ...spec });
};

/** As `makeTemplate`, with QEMU's guest agent in it: it needs `AGENT_PARTS`. */
export const makeTemplateWithAgent = async (t: ExecutionContext, agent: RealAgent): Promise<string> => {
  await importImage(agent, 'tiny', await buildGuestImage());
  await importImage(agent, 'agent', await makeAgentDisk(t));
  return template(agent, {
    disks: [{ image: 'tiny' }, { image: 'agent' }],
    metadata: { name: 'base', hostname: 'base', 'user-data': USER_DATA },
  });
};

/** Clones a template and starts the clone. Returns its id and the job of the start. */
export const startClone = async (
  { client }: RealAgent,
  source: string,
  name: string,
): Promise<{ id: string; start: Job }> => {
  const made = await client.guests.clone(source, { name });
  await client.waitForJob(made.jobId);
  const { id } = made.body;
  const started = await client.guests.perform(id, 'start');
  return { id, start: await client.waitForJob(started.jobId) };
};

/** Lists what is mapped or open of memfds in a process, by the links in /proc. */
export const memfdsOf = async (pid: number): Promise<string[]> => {
  const { stdout } = await execa('find', [`/proc/${pid}/fd`, '-lname', '/memfd:mistify-warm*'], {
    reject: false,
  });
  return stdout.split('\n').filter((line) => line !== '');
};
