import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { contextsPath, readContexts, writeContexts } from '../../../lib/cli/contexts.js';
import { connectionSettings, givenAddress } from '../../../lib/cli/settings.js';
import { tempDir } from '../../helpers/temp.js';

/** Returns an environment with a config file of that content. */
const configured = async (
  t: ExecutionContext,
  content: unknown = {},
  mode = 0o600,
): Promise<{ XDG_CONFIG_HOME: string }> => {
  const home = await tempDir(t);
  const path = join(home, 'mistify/cli.json');
  await mkdir(dirname(path));
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  await chmod(path, mode);
  return { XDG_CONFIG_HOME: home };
};

test('defaults to the agent on this host', async (t) => {
  const env = { XDG_CONFIG_HOME: await tempDir(t) };
  t.like(connectionSettings({}, env), { url: 'http://127.0.0.1:8080', token: undefined });
});

test('prefers options to the environment, and that to the config file', async (t) => {
  const file = await configured(t, { url: 'http://file', token: 'file', ca: '/ca.pem' });
  t.like(connectionSettings({}, file), { url: 'http://file', token: 'file', caFile: '/ca.pem' });
  const env = { ...file, MISTIFY_URL: 'http://env', MISTIFY_TOKEN: 'env' };
  t.like(connectionSettings({}, env), { url: 'http://env', token: 'env', caFile: '/ca.pem' });
  t.like(connectionSettings({ url: 'http://option', token: 'option' }, env), {
    url: 'http://option',
    token: 'option',
  });
});

test('prefers a socket to a URL of the same or a lower source', async (t) => {
  const env = await configured(t, { url: 'http://file' });
  t.is(connectionSettings({ socket: '/run/a.sock' }, env).url, 'unix:/run/a.sock');
  t.is(connectionSettings({ url: 'http://o' }, { ...env, MISTIFY_SOCKET: '/run/a.sock' }).url, 'http://o');
});

const LAB = { url: 'https://lab', token: 'lab' };
const SHOP = { socket: '/run/shop.sock' };

const withContexts = async (t: ExecutionContext, current?: string): Promise<NodeJS.ProcessEnv> => {
  const env = await configured(t, { url: 'http://file', token: 'file' });
  await writeContexts(env, { ...(current ? { current } : {}), contexts: { lab: LAB, shop: SHOP } });
  return env;
};

test('uses the current context in place of the config file, and MISTIFY_CONTEXT in place of that', async (t) => {
  const env = await withContexts(t, 'lab');
  t.like(connectionSettings({}, env), { url: 'https://lab', token: 'lab' });
  t.like(connectionSettings({}, { ...env, MISTIFY_TOKEN: 'env' }), { url: 'https://lab', token: 'env' });
  t.like(connectionSettings({}, { ...env, MISTIFY_CONTEXT: 'shop' }), {
    url: 'unix:/run/shop.sock',
    token: undefined,
  });
  t.like(connectionSettings({}, await withContexts(t)), { url: 'http://file', token: 'file' });
});

test('uses the context that an option names without anything of the environment', async (t) => {
  const env = { ...(await withContexts(t, 'lab')), MISTIFY_URL: 'http://env', MISTIFY_TOKEN: 'env' };
  t.like(connectionSettings({ context: 'shop' }, env), { url: 'unix:/run/shop.sock', token: undefined });
  t.like(connectionSettings({ context: 'lab', token: 'option' }, env), {
    url: 'https://lab',
    token: 'option',
  });
  t.throws(() => connectionSettings({ context: 'none' }, env), { message: 'no context "none"' });
});

test('sends the token of a context to no agent whose address is given otherwise', async (t) => {
  const env = await withContexts(t, 'lab');
  t.is(connectionSettings({ url: 'http://other' }, env).token, 'file');
  t.is(connectionSettings({}, { ...env, MISTIFY_URL: 'http://other', MISTIFY_CONTEXT: 'lab' }).token, 'file');
});

test('says where an address comes from', async (t) => {
  const env = await withContexts(t, 'lab');
  t.deepEqual(givenAddress({}, env), {
    inOptions: undefined,
    elsewhere: { address: 'https://lab', source: 'context lab' },
  });
  t.deepEqual(givenAddress({ context: 'shop' }, env), {
    inOptions: { address: 'unix:/run/shop.sock', source: 'context shop' },
  });
});

test('keeps contexts in a file that only the user can read', async (t) => {
  const env = await withContexts(t, 'lab');
  t.is((await stat(contextsPath(env))).mode & 0o777, 0o600);
  t.deepEqual(readContexts(env), { current: 'lab', contexts: { lab: LAB, shop: SHOP } });
  await chmod(contextsPath(env), 0o644);
  t.throws(() => readContexts(env), { message: /other users can read/ });
});

for (const content of [
  '[]',
  '{"contexts": []}',
  '{"contexts": {"a": 3}}',
  '{"current": 3}',
  '{"contxts": {}}',
])
  test(`rejects contexts of ${content}`, async (t) => {
    const env = await withContexts(t);
    await writeFile(contextsPath(env), content);
    t.throws(() => readContexts(env), { message: /contexts\.json is not a/ });
  });

test('reads a token from a file', async (t) => {
  const path = join(await tempDir(t), 'token');
  await writeFile(path, 'secret\n');
  const env = await configured(t, { tokenFile: path });
  t.is(connectionSettings({}, env).token, 'secret');
  t.throws(() => connectionSettings({ tokenFile: '/nowhere' }, env), {
    message: /cannot read the token.*\/nowhere/,
  });
});

for (const mode of [0o640, 0o604])
  test(`rejects a config file of mode ${mode.toString(8)} with the command to run`, async (t) => {
    const env = await configured(t, {}, mode);
    const error = t.throws(() => connectionSettings({}, env), { message: /other users can read/ });
    t.like(error, { exitCode: 2, hint: `Run: chmod 600 ${env.XDG_CONFIG_HOME}/mistify/cli.json` });
  });

for (const [content, message] of [
  ['{', /not a JSON object/],
  ['3', /not a JSON object/],
  [{ uri: 'x' }, /unknown key "uri"/],
  [{ url: 3 }, /"url" must be a string/],
] as const)
  test(`rejects a config file of ${JSON.stringify(content)}`, async (t) => {
    const env = await configured(t, content);
    t.throws(() => connectionSettings({}, env), { message });
  });
