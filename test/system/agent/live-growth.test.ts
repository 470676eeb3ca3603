import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Accepted } from '../../../lib/client/index.js';
import { type AgentLinux, bootLinux, finishJob } from '../../helpers/agent-linux.js';
import { makeBridge } from '../../helpers/bridge.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';

const test = needsInTurn('ip', 'root', 'python3', ...LINUX_PARTS);

const SECTORS_PER_MB = 2048;

/** Writes a line ten times a second, and prints its process id. */
const COUNTER = 'while sleep 0.1; do echo >> /run/counted; done > /dev/null 2>&1 & echo $!';

const MEMORY = "sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo";
/** The guest has no rule that puts new vCPUs online. */
const VCPUS = [
  'echo 1 > /sys/devices/system/cpu/cpu1/online',
  'nproc',
  'dmesg | grep -o "Unable to map lapic"',
].join('; ');

/** Linux 6.9 and newer takes new vCPUs under a hypervisor that it knows, such as KVM, but not with TCG. */
const hasVcpus = (output: string, kernel: string): boolean => {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  const mayRefuse = major > 6 || (major === 6 && minor >= 9);
  return output === '2' || (mayRefuse && output === '1 Unable to map lapic');
};

/** A program that runs in the guest. */
interface Program {
  pid: string;
  /** When it started, in ticks of the guest's clock: field 22 of proc(5) `stat`. */
  started: string;
  /** The kernel's own id of this boot. */
  boot: string;
}

const startProgram = async ({ run }: AgentLinux) => {
  const pid = await run(COUNTER);
  const identify = async (): Promise<Program> => ({
    pid,
    started: await run(`cut -d' ' -f22 /proc/${pid}/stat`),
    boot: await run('cat /proc/sys/kernel/random/boot_id'),
  });
  const count = async (): Promise<number> => Number(await run('wc -l < /run/counted'));
  await until('the program has begun to count', async () => (await count()) > 0);
  return { identify, count };
};

test('a running Linux gets memory, a vCPU, a larger disk, another disk and a NIC, while a program in it runs on', async (t) => {
  t.timeout(600_000);
  const agent = await startRealAgent(t);
  const { client, dbpath } = agent;
  const subnet = `198.19.${randomInt(256)}`;
  const network = await makeBridge(t, `${subnet}.1/24`);
  const linux = await bootLinux(agent, { memory: 256, maxMemory: 768, cpu: 1, maxCpu: 2 });
  const { id, run } = linux;
  const qemuPid = (): Promise<string> => readFile(join(dbpath, 'run', id, 'pid'), 'utf8');
  const qemu = await qemuPid();
  const program = await startProgram(linux);
  const identity = await program.identify();

  /** Changes the guest, and asserts that the guest has the change and that the program runs on. */
  const change = async (
    accepted: Promise<Accepted<unknown>>,
    command: string,
    is: (output: string) => boolean,
  ) => {
    const { Message } = await finishJob(agent, accepted);
    await until(`the guest has the change "${Message}"`, async () => is(await run(command)));
    const before = await program.count();
    t.deepEqual(await program.identify(), identity, Message);
    await until('the program has counted on', async () => (await program.count()) > before);
    t.is(await qemuPid(), qemu);
  };

  const first = Number(await run(MEMORY));
  await change(
    client.guests.update(id, { memory: 512 }),
    MEMORY,
    (kilobytes) => Number(kilobytes) > first + 250 * 1024,
  );
  const kernel = await run('uname -r');
  t.is(await run('nproc'), '1');
  await change(client.guests.update(id, { cpu: 2 }), VCPUS, (output) => hasVcpus(output, kernel));
  await change(
    client.guests.changeDisk(id, '0', { size: 128 }),
    'cat /sys/block/vda/size',
    (sectors) => sectors === String(128 * SECTORS_PER_MB),
  );
  await change(
    client.guests.addDisk(id, { size: 64 }),
    'cat /sys/block/vdb/size || echo none',
    (sectors) => sectors === String(64 * SECTORS_PER_MB),
  );
  const ping = [
    `ip address add ${subnet}.2/24 dev eth0 2> /dev/null`,
    'ip link set eth0 up',
    `ping -c 1 -W 1 ${subnet}.1 > /dev/null && echo reached`,
  ];
  await change(client.nicsOf(id).add({ network }), ping.join('; '), (output) => output === 'reached');

  t.is(await run('cat /data/boot-count'), '1');
  const guest = await client.guests.get(id);
  t.like(guest, { state: 'running', memory: 512, cpu: 2, pending: undefined });
  t.deepEqual(
    guest.disks?.map(({ size }) => size),
    [128, 64],
  );
  t.like(guest.nics, [{ name: 'net0', network }]);
});
