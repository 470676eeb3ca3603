import { readdir, readFile } from 'node:fs/promises';
import ava from 'ava';
import type { UpgradeRefused } from '../../../lib/http/websocket/dial.js';
import { view } from '../../helpers/console.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { needsEngine as test } from '../../helpers/engines/chosen.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const start = async (): Promise<{ id: string; url: string }> => {
  const containers = await shared.containers();
  const guest = newGuest();
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  return { id: guest.id, url: `http://127.0.0.1:${containers.port}/console/serial?guest=${guest.id}` };
};

const countShells = async (mark: string): Promise<number> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const environments = pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''));
  return (await Promise.all(environments)).filter((text) => text.includes(mark)).length;
};

test('a container’s console is a shell in it', async (t) => {
  const { url } = await start();
  const viewer = await view(url);
  viewer.type('echo $((6 * 7))-$TERM\n');
  t.true(await viewer.sees('42-xterm-256color'));
});

test('the shell knows the size of the terminal after every resize', async (t) => {
  const { url } = await start();
  const viewer = await view(url);
  for (const [columns, rows] of [
    [111, 33],
    [77, 22],
  ] as const) {
    viewer.resize({ columns, rows });
    await until(`${columns}x${rows} is printed`, async () => {
      viewer.type('busybox stty size\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
      return viewer.output.includes(`${rows} ${columns}`);
    });
  }
  t.pass();
});

test('the shell exits when the client disconnects', async (t) => {
  const { url, id } = await start();
  const viewer = await view(url);
  viewer.type(`MARK=${id} exec sh\n`);
  await until('the shell runs', async () => (await countShells(`MARK=${id}`)) > 0);
  viewer.leave();
  await until('the shell is gone', async () => (await countShells(`MARK=${id}`)) === 0);
  t.pass();
});

test('the console closes when the shell exits', async (t) => {
  const { url } = await start();
  const viewer = await view(url);
  const ended = viewer.ends();
  viewer.type('exit\n');
  t.is((await ended)[0], 1000);
});

test('rejects a console of a stopped container with 409 and of a missing one with 404', async (t) => {
  const containers = await shared.containers();
  const { id, url } = await start();
  await containers.guest('StopContainer', { id }, { timeout: '0' });
  const statusOf = (target: string): Promise<number> =>
    view(target).then(
      () => 101,
      (error: UpgradeRefused) => error.status,
    );
  t.is(await statusOf(url), 409);
  t.is(await statusOf(url.replace(id, newGuest().id)), 404);
});
