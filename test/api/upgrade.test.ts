import { appendFile, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readTokens } from '../../lib/auth/token-file.js';
import { packageRoot } from '../../lib/files/package-root.js';
import { STATE_FORMAT } from '../../lib/files/state-format.js';
import { scopeOfGrants } from '../../lib/model/rights.js';
import { GuestStore } from '../../lib/store/guest-store.js';
import { upgradeState } from '../../lib/store/upgrade.js';
import { startTestAgent } from '../helpers/agent.js';
import { silentLog } from '../helpers/sub-agents.js';
import { tempDir } from '../helpers/temp.js';

// Guarantees: G43, G44, G45, G46.

/** Recorded directories, by the format that they have. Each was written by that version of the agent, and killed. */
const RECORDED = { 1: 'state-of-480ae54' };

/** Copies a recorded directory. */
const copyState = async (t: ExecutionContext, name: string = RECORDED[1]): Promise<string> => {
  const dbpath = join(await tempDir(t), 'db');
  await cp(join(packageRoot, 'test/fixtures', name), dbpath, { recursive: true });
  return dbpath;
};

/** Reads all files of a directory, by their paths. */
const contentsOf = async (dir: string): Promise<Record<string, string>> => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(
    await Promise.all(files.map(async (path) => [path, await readFile(path, 'utf8')])),
  );
};

const [VM, CONTAINER] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];

/** Checks that an agent has everything that the recorded one had. */
const assertComplete = async (t: ExecutionContext, dbpath: string): Promise<void> => {
  const agent = await startTestAgent(t, { dbpath });
  const { guests, jobs, metadata } = agent.context;
  t.like(guests.get(VM), { memory: 64, cpu: 1, metadata: { name: 'web', 'user-data': '#cloud-config' } });
  t.is(guests.get(VM).nics?.[0]?.mac, '52:54:00:00:00:11');
  t.is(guests.get(VM).disks?.[0]?.volume, `guests/${VM}/disk-0`);
  t.like(guests.get(CONTAINER), { type: 'container', image: 'busybox' });
  t.is(guests.list().length, 2);
  t.deepEqual(metadata.all(), { site: 'example', rack: 'r1' });
  const listed = jobs.list({}).map(({ Action, Status }) => `${Action} ${Status}`);
  t.deepEqual(
    listed.sort(),
    ['containerCreate', 'create', 'create', 'createSnapshot', 'delete', 'poweroff'].map(
      (each) => `${each} Complete`,
    ),
  );
  t.deepEqual(
    (await readTokens(dbpath)).map(({ name, grants }) => `${name} ${scopeOfGrants(grants)}`),
    ['ci operate'],
  );
  await agent.stop();
};

for (const [format, name] of Object.entries(RECORDED))
  test(`upgrades a state of format ${format} (${name}), completely and for good`, async (t) => {
    const dbpath = await copyState(t, name);
    await assertComplete(t, dbpath);
    t.is(await readFile(join(dbpath, 'format'), 'utf8'), `${STATE_FORMAT}\n`);
    for (const file of ['guests.db', 'jobs.db', 'metadata.db'])
      t.regex(
        (await readFile(join(dbpath, file), 'utf8')).split('\n')[0] ?? '',
        new RegExp(`"format":${STATE_FORMAT}`),
        file,
      );
    await assertComplete(t, dbpath);
  });

test('continues an upgrade that was killed after any of its files', async (t) => {
  const whole = await copyState(t);
  await upgradeState(whole, silentLog);
  const files = ['guests.db', 'jobs.db', 'metadata.db', 'tokens/tokens.json'];
  for (let done = 0; done <= files.length; done += 1) {
    const dbpath = await copyState(t);
    for (const file of files.slice(0, done)) await cp(join(whole, file), join(dbpath, file));
    await assertComplete(t, dbpath);
  }
});

for (const [what, file, content] of [
  ['the directory', 'format', `${STATE_FORMAT + 1}\n`],
  [
    'a journal',
    'jobs.db',
    `{"_id":"the format of this file","$$deleted":true,"format":${STATE_FORMAT + 1}}\n`,
  ],
  ['the tokens', 'tokens/tokens.json', `{"format":${STATE_FORMAT + 1},"tokens":[]}`],
] as const)
  test(`refuses a downgrade in words and writes nothing: ${what} is of a newer version`, async (t) => {
    const dbpath = await copyState(t);
    await writeFile(join(dbpath, file), content);
    const before = await contentsOf(dbpath);
    await t.throwsAsync(upgradeState(dbpath, silentLog), {
      message: `${join(dbpath, file)} has format ${STATE_FORMAT + 1}, from a newer version of the agent; this one reads up to ${STATE_FORMAT}: start the newer version, or restore the backup from before its upgrade (nothing was changed)`,
    });
    await t.throwsAsync(startTestAgent(t, { dbpath }), { message: /from a newer version of the agent/ });
    const { [join(dbpath, 'lock')]: _, ...after } = await contentsOf(dbpath);
    t.deepEqual(after, before);
  });

test('changes nothing of a damaged state', async (t) => {
  const dbpath = await copyState(t);
  const path = join(dbpath, 'metadata.db');
  await writeFile(path, `#### no record ####\n${await readFile(path, 'utf8')}`);
  const before = await contentsOf(dbpath);
  await t.throwsAsync(upgradeState(dbpath, silentLog), { message: /metadata\.db: line 1 is damaged/ });
  t.deepEqual(await contentsOf(dbpath), before);
});

test('gives a new state the current format', async (t) => {
  const { dbpath, stop } = await startTestAgent(t);
  await stop();
  t.is(await readFile(join(dbpath, 'format'), 'utf8'), `${STATE_FORMAT}\n`);
});

test('moves what earlier versions kept in the metadata of containers to fields of their own, once', async (t) => {
  const dbpath = await copyState(t);
  await upgradeState(dbpath, silentLog);
  await writeFile(join(dbpath, 'format'), '4\n');
  const metadata = {
    ...{ name: 'box', command: '["sleep", "9"]', entrypoint: '/bin/sh -c', 'env.DB_PASSWORD': 'hunter2' },
    ...{ 'cap-add': 'NET_RAW, KILL', 'cap-drop': 'ALL', 'pids-limit': '64', 'no-new-privileges': 'false' },
  };
  const rewrite = async (type: string): Promise<void> => {
    const json = JSON.stringify({ id: CONTAINER, type, image: 'busybox', state: 'running', metadata });
    const path = join(dbpath, 'guests.db');
    await appendFile(path, `${JSON.stringify({ _id: CONTAINER, order: 2, json })}\n`);
  };
  await rewrite('container');
  await upgradeState(dbpath, silentLog);
  const stored = async () => {
    const guests = await GuestStore.open(join(dbpath, 'guests.db'));
    const guest = guests.get(CONTAINER);
    t.is(guests.list().length, 2);
    await guests.close();
    return guest;
  };
  const moved = await stored();
  t.deepEqual(moved.metadata, { name: 'box' });
  t.deepEqual(moved.container, {
    ...{ command: ['sleep', '9'], entrypoint: '/bin/sh -c', secretEnv: { DB_PASSWORD: 'hunter2' } },
    ...{ capAdd: ['NET_RAW', 'KILL'], capDrop: ['ALL'], pidsLimit: 64, noNewPrivileges: false },
  });
  await upgradeState(dbpath, silentLog);
  t.deepEqual(await stored(), moved);
  await writeFile(join(dbpath, 'format'), '4\n');
  await rewrite('kvm');
  await upgradeState(dbpath, silentLog);
  t.like(await stored(), { metadata, container: undefined }, 'a virtual machine keeps its metadata');
});

test('refuses a directory whose number is none', async (t) => {
  const dbpath = await copyState(t);
  await writeFile(join(dbpath, 'format'), 'garbage\n');
  await t.throwsAsync(upgradeState(dbpath, silentLog), {
    message: /format has format garbage, from a newer version/,
  });
});

test('upgrades a state that only has the number of format 2', async (t) => {
  const dbpath = await copyState(t);
  await writeFile(join(dbpath, 'format'), '2\n');
  await assertComplete(t, dbpath);
  t.is(await readFile(join(dbpath, 'format'), 'utf8'), `${STATE_FORMAT}\n`);
});
