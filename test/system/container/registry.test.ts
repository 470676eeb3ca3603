import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava from 'ava';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { IMAGE } from '../../helpers/engines/busybox.js';
import { needsEngineWith } from '../../helpers/engines/chosen.js';
import { REGISTRY_PASSWORD, REGISTRY_USER, startRegistry } from '../../helpers/registry.js';

const test = needsEngineWith('docker-registry', 'openssl');

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

test('pulls from a registry with an authority and passwords of its own, by tag, digest and platform', async (t) => {
  const engine = await shared.engine();
  const { call, guest, dir } = await shared.containers();
  const registry = await startRegistry(t);
  const image = `${registry.name}/shop/web:1`;
  const fetch = (id: string, more: object = {}) =>
    call('LoadImage', { id, type: 'container', source: '', ...more });
  const failure = async (id: string, more?: object): Promise<string> =>
    fetch(id, more).then(
      () => '',
      ({ message }: Error) => message,
    );

  t.regex(
    await failure(image),
    /a certificate that the engine does not trust: put .*\/etc\/docker\/certs\.d\/[\d.:]+\/ca\.crt/,
  );
  await registry.trust();
  t.regex(await failure(image), /podman login --authfile .*auth\.json/);

  const login = async (password: string): Promise<void> => {
    const auth = Buffer.from(`${REGISTRY_USER}:${password}`).toString('base64');
    await writeFile(join(dir, 'auth.json'), JSON.stringify({ auths: { [registry.name]: { auth } } }), {
      mode: 0o600,
    });
  };
  await login('wrong-password');
  const refused = await failure(image);
  t.regex(refused, /podman login/);
  t.false(refused.includes('wrong-password'), refused);

  await login(REGISTRY_PASSWORD);
  t.regex(await failure(image), /cannot be pulled: .*(manifest unknown|not found|no such image)/i);
  await engine.run('tag', IMAGE, image);
  const user = `${REGISTRY_USER}:${REGISTRY_PASSWORD}`;
  if (engine.kind === 'podman') await engine.run('push', '--creds', user, image);
  else {
    await engine.run('login', '--username', REGISTRY_USER, '--password', REGISTRY_PASSWORD, registry.name);
    await engine.run('push', image);
  }
  await engine.run('rmi', image);
  const { images } = await fetch(image);
  t.is(images[0]?.id, image);
  const digests = await engine.run('image', 'inspect', '--format', '{{json .RepoDigests}}', image);
  const pinned = (JSON.parse(digests) as string[]).find((name) => name.startsWith(registry.name)) ?? '';
  t.regex(pinned, /@sha256:[0-9a-f]{64}$/);
  await call('DeleteImage', { id: image });
  t.is((await fetch(pinned)).images[0]?.id, pinned);
  const made = newGuest({ image: pinned });
  await guest('CreateContainer', made);
  t.is((await guest('StartContainer', made)).guest.state, 'running');
  const wrong = pinned.replace(/.{8}$/, '00000000');
  t.regex(await failure(wrong), /cannot be pulled/);
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  t.is((await fetch(image, { platform: `linux/${arch}` })).images[0]?.id, image);
});
