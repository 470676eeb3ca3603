import { randomBytes } from 'node:crypto';
import type { ExecResult } from '../../../lib/model/exec.js';
import type { GuestAgentInfo } from '../../../lib/model/guest-agent.js';
import type { ClockChange, FileWritten, Trim } from '../../../lib/model/in-guest.js';
import { AGENT_PARTS } from '../../helpers/agent-disk.js';
import { guestWithAgent } from '../../helpers/agent-guest.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost } from '../../helpers/qemu.js';

const test = needs(...LINUX_PARTS, ...AGENT_PARTS);

test('runs programs in a guest, and says how they ended', async (t) => {
  const { host, guest } = await guestWithAgent(t);
  const run = (request: Record<string, unknown>): Promise<ExecResult> =>
    host.inGuest<ExecResult>('Exec', guest.id, request);
  const sh = (script: string, more: Record<string, unknown> = {}): Promise<ExecResult> =>
    run({ command: ['sh', '-c', script], ...more });

  const both = await sh('echo out; echo err >&2; exit 3');
  t.like(both, { exited: true, exitCode: 3, stdout: 'out\n', stderr: 'err\n', truncated: false });
  t.like(await run({ command: ['cat'], input: 'grüße' }), { stdout: 'grüße', stdoutEncoding: 'text' });
  const binary = Buffer.from([0, 255, 10]).toString('base64');
  t.like(await run({ command: ['cat'], input: binary, inputEncoding: 'base64' }), {
    stdout: binary,
    stdoutEncoding: 'base64',
  });
  t.like(await sh('kill -9 $$'), { exited: true, signal: 9, exitCode: undefined });
  // The environment of a request replaces the agent's own, but programs are still found.
  t.like(await sh('echo "$A"; ls / > /dev/null', { env: { A: 'b c' } }), { stdout: 'b c\n', exitCode: 0 });
  t.like(await sh('echo lost', { capture: false }), { exited: true, stdout: '' });
  const late = await sh('sleep 600', { timeout: 1 });
  t.like(late, { exited: false, exitCode: undefined });
  t.like(await sh(`kill ${late.pid}`), { exitCode: 0 });
  await t.throwsAsync(run({ command: ['no-such-program'] }), { message: /no-such-program/ });
  const much = await sh('yes | head -c 3000000', { timeout: 120 });
  t.like(much, { exitCode: 0, truncated: false, stdoutEncoding: 'text' });
  t.is(much.stdout.length, 3_000_000);
});

test('reads and writes files of a guest', async (t) => {
  const { host, guest } = await guestWithAgent(t);
  const { id } = guest;
  const write = (path: string, bytes: Buffer, more: Record<string, unknown> = {}): Promise<FileWritten> =>
    host.inGuest<FileWritten>('WriteFile', id, { path, data: bytes.toString('base64'), ...more });
  const sh = async (script: string): Promise<string> =>
    (await host.inGuest<ExecResult>('Exec', id, { command: ['sh', '-c', script] })).stdout;

  const content = randomBytes(2_500_000);
  const pieceBytes = 1_000_000;
  for (let offset = 0; offset < content.length; offset += pieceBytes) {
    const piece = content.subarray(offset, offset + pieceBytes);
    t.is((await write('/run/big', piece, { offset })).size, offset + piece.length);
  }
  t.deepEqual(await host.readFile(id, '/run/big'), content);
  // Not of the agent's default, which lets every user write.
  t.is(await sh('stat -c %a /run/big'), '644\n');
  await write('/run/big', Buffer.from('short'));
  t.is((await host.readFile(id, '/run/big')).toString(), 'short');

  await write('/run/secret', Buffer.from('s3cret'), { mode: '0600' });
  t.is(await sh('stat -c %a /run/secret'), '600\n');
  await write('/run/secret', Buffer.from('again'));
  t.is(await sh('stat -c %a /run/secret'), '600\n');
  await write("/run/it's $HOME", Buffer.alloc(0));
  t.is((await host.readFile(id, "/run/it's $HOME")).length, 0);

  // A file whose size the guest does not know in advance.
  t.regex((await host.readFile(id, '/proc/version')).toString(), /^Linux version/);
  await t.throwsAsync(host.readFile(id, '/no/such'), { message: /^404 .*No such file/ });
  await t.throwsAsync(host.readFile(id, '/run'), { message: /^409 .*Is a directory/ });
  await t.throwsAsync(write('/no/such', Buffer.from('x')), { message: /\/no\/such/ });
  await t.throwsAsync(write('/run/secret', Buffer.from('x'), { offset: 6 }), {
    message: /"offset" must be at most 5/,
  });
  t.is((await host.readFile(id, '/run/secret')).toString(), 'again');
});

test('tells what the agent knows of a guest, and leaves out what it does not allow', async (t) => {
  const { host, guest } = await guestWithAgent(t, '-b', 'guest-exec,guest-get-host-name', '-v');
  const info = await host.inGuest<GuestAgentInfo>('AgentInfo', guest.id);
  t.regex(info.version ?? '', /^\d+\.\d+/);
  t.like(info.abilities, { exec: false, files: true, freeze: true, clock: true });
  t.is(info.hostname, undefined);
  t.truthy(info.os?.kernel);
  const data = info.fileSystems?.find(({ mountpoint }) => mountpoint === '/data');
  t.like(data, { type: 'ext4', disks: ['vda'] });
  t.true((data?.size ?? 0) >= 10 && (data?.used ?? 0) <= (data?.size ?? 0));
  t.is(info.timezone?.offset, 0);
  await t.throwsAsync(host.inGuest('Exec', guest.id, { command: ['true'] }), {
    message: /does not allow guest-exec: allow it in the guest/,
  });
});

test('sets passwords, SSH keys and the clock of a guest, and trims its file systems', async (t) => {
  const { host, guest, viewer } = await guestWithAgent(t);
  const { id } = guest;
  const script = [
    'printf "root:x:0:0:root:/root:/bin/sh\\n" > /etc/passwd',
    'mkdir -p /root; touch /etc/shadow',
    "printf '#!/bin/sh\\ncat > /run/chpasswd.input\\n' > /bin/chpasswd; chmod +x /bin/chpasswd",
    'ln -s /bin/hwclock /sbin/hwclock',
    'date -s 2020-01-01 > /dev/null; echo "users" made\n',
  ].join('; ');
  viewer.type(script);
  await viewer.sees('users made');
  await host.inGuest('SetPassword', id, { user: 'root', password: 'pa55:wörd' });
  t.is((await host.readFile(id, '/run/chpasswd.input')).toString(), 'root:pa55:wörd\n');
  const keys = ['one', 'two'].map((comment) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmF ${comment}`);
  await host.inGuest('AddSSHKeys', id, { user: 'root', keys: keys.slice(0, 1) });
  await host.inGuest('AddSSHKeys', id, { user: 'root', keys });
  const authorized = async (): Promise<string> =>
    (await host.readFile(id, '/root/.ssh/authorized_keys')).toString().trim();
  t.is(await authorized(), keys.join('\n'));
  await host.inGuest('AddSSHKeys', id, { user: 'root', keys: keys.slice(1), replace: true });
  t.is(await authorized(), keys.at(1) ?? '');
  await t.throwsAsync(host.inGuest('AddSSHKeys', id, { user: 'nobody', keys }), { message: /nobody/ });

  const { lag } = await host.inGuest<ClockChange>('SetClock', id);
  t.true(lag > 86_400);
  const { lag: left } = await host.inGuest<ClockChange>('SetClock', id);
  t.true(Math.abs(left) < 5, `${left} s`);

  const { fileSystems } = await host.inGuest<Trim>('Trim', id);
  const data = fileSystems.find(({ mountpoint }) => mountpoint === '/data');
  t.is(data?.error, undefined);
  t.true((data?.trimmed ?? 0) > 0, JSON.stringify(fileSystems));
});

needs(...LINUX_PARTS)('says how to get a guest agent, and that a guest must run', async (t) => {
  const host = await QemuHost.start(t);
  const { id } = await LinuxGuest.create(t, host);
  const none = await host.inGuest<GuestAgentInfo>('AgentInfo', id);
  t.false(none.responds);
  t.regex(none.reason ?? '', /has no guest agent: install the package qemu-guest-agent/);
  await t.throwsAsync(host.inGuest('Trim', id), { message: /has no guest agent/ });
  await host.call('Suspend', { id });
  await t.throwsAsync(host.inGuest('Trim', id), { message: /is paused: its guest agent responds only/ });
  await host.call('Poweroff', { id });
  await t.throwsAsync(host.readFile(id, '/etc/hosts'), { message: /^409 .*is shutoff/ });
});
