import { randomUUID } from 'node:crypto';
import ava, { type ExecutionContext } from 'ava';
import type { Guest } from '../../../lib/model/guest.js';
import type { Job } from '../../../lib/model/job.js';
import { type Grant, grantOf, grantsOfScope } from '../../../lib/model/rights.js';
import { addGuest } from '../../helpers/agent.js';
import type { Api } from '../../helpers/api.js';
import { view } from '../../helpers/console.js';
import { makeToken, serveGuarded } from '../../helpers/guarded.js';

// Guarantees: G27.

interface Hosting {
  api: Api;
  web: Guest;
  db: Guest;
  /** Returns the headers of a client with those grants. */
  as: (grants: Grant[]) => Promise<Record<string, string>>;
}

/** Serves a guest with the tag `web`, and one with the tag `db`. */
const serveTwo = async (t: ExecutionContext): Promise<Hosting> => {
  const { api, dbpath } = await serveGuarded(t);
  const off = { state: 'shutoff', memory: 64 };
  const web = await addGuest(api.context, {
    ...off,
    tags: ['web'],
    metadata: { name: 'web-1', 'user-data': 'x' },
  });
  const db = await addGuest(api.context, {
    ...off,
    tags: ['db'],
    metadata: { name: 'db-1', 'user-data': 'x' },
  });
  const as = async (grants: Grant[]): Promise<Record<string, string>> => ({
    Authorization: `Bearer ${await makeToken(dbpath, randomUUID(), grants)}`,
  });
  return { api, web, db, as };
};

const messageOf = ({ body }: { body: unknown }): string => (body as { message: string }).message;

const WEB = { tags: ['web'] };
const OPERATE_WEB = grantsOfScope('operate', WEB);

ava('lists, counters and jobs are those of the guests that a client may see', async (t) => {
  const { api, web, db, as } = await serveTwo(t);
  const headers = await as(OPERATE_WEB);
  for (const { id } of [web, db])
    await api.call('POST', `/guests/${id}/start?wait=5`, undefined, await as(grantsOfScope('operate')));
  const guests = (await api.call('GET', '/guests', undefined, headers)).body as Guest[];
  t.deepEqual(
    guests.map(({ id }) => id),
    [web.id],
  );
  const jobs = (await api.call('GET', '/jobs', undefined, headers)).body as Job[];
  t.deepEqual(
    jobs.map(({ GuestID }) => GuestID),
    [web.id],
  );
  const [other] = api.context.jobs.list({ guestId: db.id });
  t.is((await api.call('GET', `/jobs/${other?.ID}`, undefined, headers)).status, 404);
  const counters = (await api.call('GET', '/metrics/guests', undefined, headers)).body as { guest: string }[];
  t.true(counters.every(({ guest }) => guest === web.id));
});

ava('pages of a list skip the guests that a client may not see', async (t) => {
  const { api, db, as } = await serveTwo(t);
  const more = [
    await addGuest(api.context, { tags: ['web'] }),
    await addGuest(api.context, { tags: ['db'] }),
  ];
  const headers = await as(grantsOfScope('read', { tags: ['db'] }));
  const first = await api.call('GET', '/guests?limit=1', undefined, headers);
  t.deepEqual(
    (first.body as Guest[]).map(({ id }) => id),
    [db.id],
  );
  const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  const second = await api.call('GET', next, undefined, headers);
  t.deepEqual(
    (second.body as Guest[]).map(({ id }) => id),
    [more[1]?.id],
  );
  t.is(second.headers.get('link'), null);
});

ava('a guest that a client may not see is not found, in the words for one that does not exist', async (t) => {
  const { api, db, as } = await serveTwo(t);
  const headers = await as(OPERATE_WEB);
  const unknown = 'ffffffff-52c1-4c29-9c58-1f1f6d3a2b10';
  const [hidden, missing] = await Promise.all(
    [db.id, unknown].map((id) => api.call('POST', `/guests/${id}/start`, undefined, headers)),
  );
  t.deepEqual([hidden?.status, missing?.status], [404, 404]);
  t.is(
    messageOf(hidden ?? { body: {} }).replace(db.id, ''),
    messageOf(missing ?? { body: {} }).replace(unknown, ''),
  );
  t.deepEqual(api.context.jobs.list(), []);
});

ava('names the right that a client lacks for a guest that it may see', async (t) => {
  const { api, web, db, as } = await serveTwo(t);
  const headers = await as([grantOf(['look']), grantOf(['power'], WEB)]);
  t.is((await api.call('POST', `/guests/${web.id}/start`, undefined, headers)).status, 202);
  const refused = await api.call('POST', `/guests/${db.id}/start`, undefined, headers);
  t.is(refused.status, 403);
  t.is(messageOf(refused), `you lack the right "power" for guest ${db.id}`);
  t.is(refused.headers.get('www-authenticate'), 'Bearer error="insufficient_scope", scope="power"');
});

ava('says of what concerns the host that a right for some guests is not enough', async (t) => {
  const { api, as } = await serveTwo(t);
  const headers = await as(OPERATE_WEB);
  const refused = await api.call('GET', '/schedules', undefined, headers);
  t.is(refused.status, 403);
  t.regex(messageOf(refused), /needs the right "look" for all guests, and yours is for some/);
});

ava('shows the secrets of those guests whose content a client may read', async (t) => {
  const { api, web, db, as } = await serveTwo(t);
  const headers = await as([grantOf(['look']), grantOf(['content'], WEB)]);
  const guests = (await api.call('GET', '/guests', undefined, headers)).body as Guest[];
  t.is(guests.find(({ id }) => id === web.id)?.metadata?.['user-data'], 'x');
  t.deepEqual(guests.find(({ id }) => id === db.id)?.hidden, ['metadata.user-data']);
});

ava('a new guest of a client with rights for some has one of their tags, and no other', async (t) => {
  const { api, as } = await serveTwo(t);
  const headers = await as(OPERATE_WEB);
  const create = (tags: string[] | undefined, more: object = {}) =>
    api.call('POST', '/guests', { memory: 64, ...(tags ? { tags } : {}), ...more }, headers);
  t.is((await create(['web'])).status, 202);
  const refused: [string[] | undefined, object, RegExp][] = [
    [undefined, {}, /give the guest one of your tags \(web\)/],
    [['db'], {}, /give the guest one of your tags/],
    [['web', 'db'], {}, /tag "db" is none of yours/],
    [['web'], { disks: [{ volume: 'guests/x/disk-0' }] }, /using a volume of the storage/],
    [
      ['web'],
      {
        type: 'container',
        image: 'busybox',
        container: { mounts: [{ type: 'volume', source: 'shop', target: '/v' }] },
      },
      /volume shop is mounted by none of your guests/,
    ],
  ];
  for (const [tags, more, words] of refused) {
    const answer = await create(tags, more);
    t.is(answer.status, 403, JSON.stringify([tags, more]));
    t.regex(messageOf(answer), words);
  }
  t.is(api.context.guests.list().length, 3);
});

ava('a client with rights for some guests takes over no guest that could not be created', async (t) => {
  const { api, as } = await serveTwo(t);
  const failed = await addGuest(api.context, { state: 'error', tags: ['db'] });
  const answer = await api.call(
    'POST',
    '/guests',
    { id: failed.id, memory: 64, tags: ['web'] },
    await as(OPERATE_WEB),
  );
  t.is(answer.status, 409);
  t.deepEqual(api.context.guests.get(failed.id).tags, ['db']);
});

ava('changing tags takes rights over all guests', async (t) => {
  const { api, web, as } = await serveTwo(t);
  const headers = await as(OPERATE_WEB);
  for (const tags of [['web', 'db'], [], null, ['web']]) {
    const answer = await api.call('PATCH', `/guests/${web.id}`, { tags }, headers);
    t.is(answer.status, 403, JSON.stringify(tags));
  }
  t.is((await api.call('PATCH', `/guests/${web.id}`, { description: 'shop' }, headers)).status, 202);
  const all = await as(grantsOfScope('operate'));
  t.is((await api.call('PATCH', `/guests/${web.id}?wait=5`, { tags: ['db'] }, all)).status, 200);
  t.is((await api.call('GET', `/guests/${web.id}`, undefined, headers)).status, 404);
});

ava('copying a guest takes the right to read its content', async (t) => {
  const { api, web, as } = await serveTwo(t);
  const answer = await api.call('POST', `/guests/${web.id}/clone`, {}, await as([grantOf(['change'], WEB)]));
  t.is(answer.status, 403);
  t.regex(messageOf(answer), /"content"/);
});

ava('canceling a job takes the right that its action does', async (t) => {
  const { api, web, as } = await serveTwo(t);
  const { jobId } = await api.call('POST', `/guests/${web.id}/start`, undefined, await as(OPERATE_WEB));
  const answer = await api.call('DELETE', `/jobs/${jobId}`, undefined, await as([grantOf(['change'], WEB)]));
  t.is(answer.status, 403);
  t.regex(messageOf(answer), /"power"/);
});

ava('the jobs of a guest that was deleted stay with those who could see it', async (t) => {
  const { api, web, as } = await serveTwo(t);
  const headers = await as(OPERATE_WEB);
  const { jobId } = await api.call('DELETE', `/guests/${web.id}?wait=5`, undefined, headers);
  t.is(api.context.guests.find(web.id), undefined);
  t.is((await api.call('GET', `/jobs/${jobId}`, undefined, headers)).status, 200);
  const other = await as(grantsOfScope('operate', { tags: ['db'] }));
  t.is((await api.call('GET', `/jobs/${jobId}`, undefined, other)).status, 404);
});

ava('the event stream has the events of the guests that a client may see', async (t) => {
  const { api, web, db, as } = await serveTwo(t);
  const headers = await as(OPERATE_WEB);
  for (const { id } of [db, web]) await api.context.guests.update(id, (guest) => ({ ...guest, memory: 128 }));
  const events = await fetch(`${api.url}/events?after=0&kind=guest&limit=2`, { headers });
  const text = await events.text();
  t.regex(text, new RegExp(web.id));
  t.notRegex(text, new RegExp(db.id));
});

ava('closes a console when its guest is no longer one of the client', async (t) => {
  const { api, web, as } = await serveTwo(t);
  const viewer = await view(`${api.url}/guests/${web.id}/console/serial`, { headers: await as(OPERATE_WEB) });
  const ended = viewer.ends();
  await api.context.guests.update(web.id, (guest) => ({ ...guest, tags: ['db'] }));
  t.is((await ended)[0], 1008);
});

ava('services give no reasons to a client that sees some guests', async (t) => {
  const { api, as } = await serveTwo(t);
  const services = (await api.call('GET', '/services', undefined, await as(OPERATE_WEB))).body as object[];
  t.true(services.length > 0);
  t.true(
    services.every((service) => Object.keys(service).every((key) => ['name', 'part', 'up'].includes(key))),
  );
});

ava('a guest has the client that created it as its owner, whatever the client says', async (t) => {
  const { api, web, as } = await serveTwo(t);
  const headers = await as(grantsOfScope('operate'));
  const { name } = (await api.call('GET', '/access', undefined, headers)).body as { name: string };
  const made = await api.call('POST', '/guests', { memory: 64, owner: 'eve' }, headers);
  t.is((made.body as Guest).owner, name);
  const copied = await api.call('POST', `/guests/${web.id}/clone`, {}, headers);
  t.is((copied.body as Guest).owner, name);
  const { status } = await api.call('PATCH', `/guests/${web.id}`, { owner: 'eve' }, headers);
  t.is(status, 400);
  const { quota } = (await api.call('GET', '/access', undefined, headers)).body as {
    quota: { used: { guests: number } };
  };
  t.is(quota.used.guests, 2);
});
