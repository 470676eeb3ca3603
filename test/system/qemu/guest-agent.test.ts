import { AGENT_PARTS } from '../../helpers/agent-disk.js';
import { guestWithAgent } from '../../helpers/agent-guest.js';
import type { Viewer } from '../../helpers/console.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

/** Seconds by which the guest's clock lags behind the host's. */
const lagOf = async (viewer: Viewer): Promise<number> => {
  const label = `clock-${Math.random()}`;
  viewer.type(`echo "${label}" is $(date +%s).\n`);
  const shown = new RegExp(`${label} is (\\d+)\\.`);
  const [, seconds] = await until('the guest shows its time', () => shown.exec(viewer.output));
  return Date.now() / 1000 - Number(seconds);
};

const test = needs(...LINUX_PARTS, ...AGENT_PARTS);

test('sets the clock of a resumed guest through its agent', async (t) => {
  const { host, guest, viewer } = await guestWithAgent(t);
  const { id } = guest;
  viewer.type('ln -s /bin/hwclock /sbin/hwclock; echo "hwclock" linked\n');
  await viewer.sees('hwclock linked');
  await host.call('Suspend', { id });
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  const { message } = await host.call('Resume', { id });
  t.is(message, undefined);
  const lag = await lagOf(viewer);
  t.true(Math.abs(lag) < 10, `${lag} s`);
});

test('says so when the agent of a resumed guest cannot set its clock', async (t) => {
  // Some versions also fail without /sbin/hwclock, and newer ones do not.
  const { host, guest } = await guestWithAgent(t, '-b', 'guest-set-time');
  await host.call('Suspend', { id: guest.id });
  await new Promise((resolve) => setTimeout(resolve, 3000));
  t.regex((await host.call('Run', { id: guest.id })).message ?? '', /clock lags by [3-9] s.*guest-set-time/);
});

test('shuts a guest down through its agent, without its power button', async (t) => {
  const { host, guest, viewer } = await guestWithAgent(t);
  viewer.type(
    'printf \'#!/bin/sh\\nexec /bin/shut-down poweroff\\n\' > /sbin/shutdown; chmod +x /sbin/shutdown; echo "shutdown" made\n',
  );
  await viewer.sees('shutdown made');
  t.is((await host.call('Shutdown', { id: guest.id })).guest.state, 'shutoff');
  t.false((await guest.console()).includes('mistify-guest: power button'));
});

needs(...LINUX_PARTS)('says by how much the clock of a resumed guest without an agent lags', async (t) => {
  const host = await QemuHost.start(t);
  const { id } = await LinuxGuest.create(t, host);
  await host.call('Suspend', { id });
  await new Promise((resolve) => setTimeout(resolve, 2500));
  t.regex(
    (await host.call('Resume', { id })).message ?? '',
    /^the guest's clock lags by [2-9] s, as long as it was halted.*no guest agent/,
  );
  await host.call('Suspend', { id });
  t.is((await host.call('Resume', { id })).message, undefined);
  // A sub-agent that did not see the halt does not know how long it was.
  await host.call('Suspend', { id });
  await host.stop();
  await host.launch();
  t.regex((await host.call('Resume', { id })).message ?? '', /clock lags by as long as it was halted/);
});
