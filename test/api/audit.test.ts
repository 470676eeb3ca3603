import ava from 'ava';
import type { AuditRecord } from '../../lib/model/audit.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { mistify } from '../helpers/command-line.js';
import { until } from '../helpers/wait.js';

// Guarantees: G32.

ava('lists who changed what, with the name of a guest that is deleted', async (t) => {
  const { call, context, url } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { name: 'web' } });
  await call('POST', `/guests/${id}/snapshots?wait=30`, { dest: 'monday' });
  await call('DELETE', `/guests/${id}?wait=30`);
  await call('PATCH', '/metadata', { rack: 'r1' });
  const list = async (query: string): Promise<AuditRecord[]> =>
    (await call('GET', `/audit?${query}`)).body as AuditRecord[];
  const records = await until('all entries are on disk', async () => {
    const all = await list('');
    return all.length === 5 ? all : undefined;
  });
  t.is(records[0]?.route, '/metadata');
  const about = await list('guest=web');
  t.deepEqual(about.map(({ event, action, status }) => [event, action, status]).sort(), [
    ['job', 'createSnapshot', 'Complete'],
    ['job', 'delete', 'Complete'],
    ['request', 'createSnapshot', 200],
    ['request', 'delete', 200],
  ]);
  t.true(about.every((record) => record.principal === 'local' && record.guest === id));
  t.deepEqual(
    [...new Set((await list('action=createSnapshot')).map(({ snapshot }) => snapshot))],
    ['monday'],
  );
  t.deepEqual(await list('by=nobody'), []);
  const first = await call('GET', '/audit?limit=2');
  const next = /<([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  t.deepEqual(((await call('GET', next)).body as AuditRecord[])[0]?.time, records[2]?.time);

  const shown = await mistify(t, url, 'audit', '--guest', 'web', '--action', 'delete');
  t.regex(shown.stdout, /local +delete +web +(complete|done|accepted)/);
});

ava('rejects a cursor of another list, and times that are none', async (t) => {
  const { call } = await serveApi(t);
  for (const query of ['cursor=NQ', 'since=yesterday', 'limit=100000'])
    t.is((await call('GET', `/audit?${query}`)).status, 400, query);
});
