import test from 'ava';
import type { Guest } from '../../../lib/model/guest.js';
import type { Job } from '../../../lib/model/job.js';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';

test.serial('acts on several guests, each once', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  for (const name of ['web', 'db']) await addGuest(context, { state: 'shutoff', metadata: { name } });
  const { exitCode, stdout, stderr } = await mistify(t, url, 'guest', 'start', 'web', 'db', 'web', '--wait');
  t.is(exitCode, 0, stderr);
  t.deepEqual(
    stdout.split('\n').map((line) => line.replace(/ in .*/, '')),
    ['start web: done', 'start db: done'],
  );
  t.is(scripted.requests('Test.start').length, 2);
  const json = await mistify(t, url, 'guest', 'shutdown', 'web', 'db', '--json', '--wait');
  t.deepEqual(
    (JSON.parse(json.stdout) as Job[]).map(({ Status }) => Status),
    ['Complete', 'Complete'],
  );
});

test.serial('lists the guests that have at least one of the tags', async (t) => {
  const { url, context } = await serveApi(t);
  for (const [name, tag] of [
    ['web', 'shop'],
    ['db', 'shop-db'],
    ['other', 'test'],
  ] as const)
    await addGuest(context, { metadata: { name }, tags: [tag] });
  const list = (...tags: string[]) =>
    mistify(t, url, 'guest', 'list', '--json', ...tags.flatMap((tag) => ['--tag', tag]));
  const namesOf = async (...tags: string[]) =>
    (JSON.parse((await list(...tags)).stdout) as Guest[]).map(({ metadata }) => metadata?.name);
  t.deepEqual(await namesOf('shop'), ['web']);
  t.deepEqual(await namesOf('shop', 'test'), ['web', 'other']);
  const { stdout, stderr } = await mistify(t, url, 'guest', 'list', '--tag', 'nothing');
  t.is(stdout, '');
  t.regex(stderr, /^no guest has the tag nothing/);
});

test.serial('changes nothing when one of several guests does not exist', async (t) => {
  const { url, context, asked } = await serveApi(t);
  await addGuest(context, { metadata: { name: 'web' } });
  const { exitCode, stderr } = await mistify(t, url, 'guest', 'delete', 'web', 'wbe', '--yes');
  t.is(exitCode, 3);
  t.regex(stderr, /no guest "wbe"/);
  t.deepEqual(
    asked.filter((request) => request.startsWith('POST')),
    [],
  );
});

test.serial('reports each failure among several, and acts on the others', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  await addGuest(context, { state: 'shutoff', template: true, metadata: { name: 'base' } });
  await addGuest(context, { state: 'shutoff', metadata: { name: 'web' } });
  const { exitCode, stdout, stderr } = await mistify(t, url, 'guest', 'start', 'base', 'web');
  t.is(exitCode, 6);
  t.regex(stdout, /^start web: queued as job \w+$/);
  t.regex(stderr, /^start [0-9a-f-]{36}: (?=.*template).*error: 1 of 2 failed$/s);
  t.is(scripted.requests('Test.start').length, 1);
});

test.serial('changes several guests, deletes several snapshots, and cancels several jobs', async (t) => {
  const { url, context } = await serveApi(t);
  for (const name of ['web', 'db']) await addGuest(context, { state: 'shutoff', metadata: { name } });
  const set = await mistify(t, url, 'guest', 'set', 'web', 'db', '--tag', 'production', '--wait');
  t.is(set.exitCode, 0, set.stderr);
  t.deepEqual(
    set.stdout.split('\n').map((line) => line.replace(/ in .*/, '')),
    ['set web: done', 'set db: done'],
  );
  t.like(await mistify(t, url, 'guest', 'set', 'web', 'db', '--name', 'x'), { exitCode: 2 });
  const deletion = await mistify(t, url, 'snapshot', 'delete', 'web', 'one', 'two', '--yes');
  t.regex(deletion.stdout, /^delete snapshot one of web: queued .*\ndelete snapshot two of web: queued /);
  const jobs = context.jobs.list().map(({ ID }) => ID);
  const { exitCode, stderr } = await mistify(t, url, 'job', 'cancel', ...jobs.slice(0, 2));
  t.is(exitCode, 6);
  t.regex(stderr, /has already ended.*error: 2 of 2 failed$/s);
});

test.serial('asks once before it deletes several guests', async (t) => {
  const { url, context } = await serveApi(t);
  for (const name of ['web', 'db']) await addGuest(context, { metadata: { name } });
  const { exitCode, stderr } = await mistify(t, url, 'guest', 'delete', 'web', 'db');
  t.is(exitCode, 2);
  t.regex(stderr, /Delete 2 guests and their disks: web \(\S+\), db \(\S+\)\?/);
});
