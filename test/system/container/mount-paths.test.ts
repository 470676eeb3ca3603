import { randomUUID } from 'node:crypto';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import ava from 'ava';
import type { ContainerMount } from '../../../lib/model/container/mounts.js';
import { newGuest, SharedEngine, startTestContainers } from '../../helpers/containers.js';
import { IMAGE } from '../../helpers/engines/busybox.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import { tempDir } from '../../helpers/temp.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const mounting = (mount: ContainerMount) => newGuest({ container: { mounts: [mount] } });

test('rejects paths with characters that engines misread', async (t) => {
  const { socket } = await shared.engine();
  const dir = await tempDir(t);
  const containers = await startTestContainers(t, socket, { allowBind: [dir] });
  for (const path of ['/da,ta', '/da"ta', '/da:ta']) {
    const message = /must be an absolute path without ., .., :, a comma, a quotation mark/;
    for (const mount of [
      { type: 'bind', source: dir, target: path },
      { type: 'bind', source: `${dir}${path}`, target: '/data' },
      { type: 'volume', source: 'shop', target: path },
      { type: 'tmpfs', target: path },
    ] as const)
      await t.throwsAsync(containers.guest('CreateContainer', mounting(mount)), { message }, path);
  }
});

test('rejects a link to a path with characters that engines misread', async (t) => {
  const { socket } = await shared.engine();
  const dir = await tempDir(t);
  const containers = await startTestContainers(t, socket, { allowBind: [dir] });
  const odd = join(dir, 'da,ta');
  await mkdir(odd, { recursive: true });
  await symlink(odd, join(dir, 'link'));
  const guest = mounting({ type: 'bind', source: join(dir, 'link'), target: '/data' });
  for (const method of ['CheckContainer', 'CreateContainer'])
    await t.throwsAsync(containers.guest(method, guest), { message: /a link leads to a path with a colon/ });
});

test('makes no container of an image whose VOLUME path has characters that engines misread', async (t) => {
  const engine = await shared.engine();
  const containers = await shared.containers();
  const name = `maker-${randomUUID()}`;
  const image = `localhost/${name}:1`;
  await engine.run('create', '--name', name, IMAGE, 'sh');
  await engine.run('commit', '--change', 'VOLUME ["/da,ta"]', name, image);
  await engine.run('rm', name);
  const guest = newGuest({ image });
  await t.throwsAsync(containers.guest('CreateContainer', guest), {
    message: /the image has the VOLUME path .* which engines misread/,
  });
  t.false((await engine.run('ps', '--all', '--format', '{{.Names}}')).includes(guest.id));
});
