import { mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { GuestSpec } from '../../../lib/client/index.js';
import { needsInTurn } from '../../helpers/needs.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';

const MB = 2 ** 20;

interface Mistake {
  path: string;
  method?: string;
  body?: unknown;
}

interface Failure {
  status: number;
  message: string;
}

/** Sends a request, waits for its job, and returns the failure, which the job must report in the same words. */
const failureOf = async (
  t: ExecutionContext,
  { url, client }: RealAgent,
  { path, method = 'POST', body }: Mistake,
): Promise<Failure> => {
  const response = await fetch(`${url}${path}?wait=60`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { message } = (await response.json()) as { message: string };
  const [job] = (await client.jobs.list({ limit: 1 })).items;
  t.like(job, { Status: 'Error', Message: message }, path);
  return { status: response.status, message };
};

/** Asserts that a dry run fails like the request itself, and that a correct one is checked completely. */
const assertDryRuns = async (
  t: ExecutionContext,
  { url }: RealAgent,
  mistakes: readonly (readonly [Mistake, number, RegExp])[],
  correct: readonly (readonly [Mistake, string | null])[],
): Promise<void> => {
  const dryRun = ({ path, method = 'POST', body }: Mistake): Promise<Response> =>
    fetch(`${url}${path}?dryRun=true`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  for (const [mistake, status, message] of mistakes) {
    const response = await dryRun(mistake);
    const text = await response.text();
    t.is(response.status, status, text);
    t.regex((JSON.parse(text) as { message: string }).message, message);
  }
  for (const [request, unchecked] of correct) {
    const response = await dryRun(request);
    t.is(response.status, 200, await response.text());
    t.is(response.headers.get('x-unchecked-stages'), unchecked, request.path);
  }
};

const DISK = { size: 8 };
const NIC = { network: 'user' };

needsInTurn('qemu-system-x86_64', 'qemu-img')(
  'a mistake that QEMU or its host finds is a 4xx, in a dry run as well',
  async (t) => {
    t.timeout(240_000);
    const agent = await startRealAgent(t);
    let created = 0;
    for (const [spec, status, message] of [
      [{ disks: [{ ...DISK, bus: 'floppy' }] }, 400, /^disk 0: unknown bus "floppy": use one of virtio/],
      [{ disks: [{}] }, 400, /^disk 0: give it a size in MB or an image$/],
      [
        { nics: [{ ...NIC, model: 'token-ring' }] },
        400,
        /^NIC 0: this QEMU has no network card "token-ring"/,
      ],
      [{ nics: [NIC, { network: 'no-such-br' }] }, 404, /^NIC 1: no bridge "no-such-br" on this host/],
      [
        { nics: [{ ...NIC, address: '192.0.2.7/24', gateway: '198.51.100.1' }] },
        400,
        /^NIC 0: gateway 198\.51\.100\.1 is not in the network of 192\.0\.2\.7\/24$/,
      ],
      [{ memory: 60_000_000 }, 400, /^"memory" must be at most this host's \d+ MB, got 60000000$/],
    ] as const) {
      const body = { memory: 32, disks: [DISK], ...spec };
      await t.throwsAsync(
        agent.client.guests.create(body as GuestSpec, { dryRun: true }),
        { message },
        'dry run',
      );
      t.is((await agent.client.guests.list()).items.length, created);
      created += 1;
      const failure = await failureOf(t, agent, { path: '/guests', body });
      t.is(failure.status, status, failure.message);
      t.regex(failure.message, message);
    }
  },
);

needsInTurn('qemu-system-x86_64', 'qemu-img')(
  'a start without one of the disk files is a 409 that names the disk and the way out',
  async (t) => {
    t.timeout(240_000);
    const agent = await startRealAgent(t);
    const { body, jobId } = await agent.client.guests.create({ memory: 32, disks: [DISK, DISK] });
    await agent.client.waitForJob(jobId);
    const off = await agent.client.guests.perform(body.id, 'poweroff');
    await agent.client.waitForJob(off.jobId);
    const { source = '' } = (await agent.client.guests.get(body.id)).disks?.[1] ?? {};
    await rm(source);
    const failure = await failureOf(t, agent, { path: `/guests/${body.id}/start` });
    t.is(failure.status, 409);
    t.is(
      failure.message,
      `disk 1: ${source} does not exist: restore the file, or delete the guest and create it again`,
    );
  },
);

needsInTurn('qemu-img')('a mistake that storage finds is a 4xx', async (t) => {
  t.timeout(240_000);
  const agent = await startRealAgent(t);
  const importDir = join(agent.dbpath, 'storage', 'import');
  await mkdir(importDir, { recursive: true });
  await writeFile(join(importDir, 'raw'), Buffer.alloc(MB));
  await writeFile(join(importDir, 'page'), '<!doctype html><title>Sign in</title>');
  await writeFile(join(importDir, 'luks'), Buffer.concat([Buffer.from('LUKS\xba\xbe', 'latin1')]));
  await truncate(join(importDir, 'luks'), MB);
  const fetchOf = (source: string, more = {}): Mistake => ({
    path: '/images',
    body: { id: 'a', source: join(importDir, source), ...more },
  });
  const found = [
    [fetchOf('none'), 404, /^image a: no file .*none in the import directories/],
    [
      { path: '/images', body: { id: 'a', source: 'ftp://192.0.2.1/a' } },
      400,
      /is not an http, https or file/,
    ],
  ] as const;
  await assertDryRuns(t, agent, found, [
    [fetchOf('raw'), 'storage ImageStore.RequestImage: only the first bytes of the source were read'],
  ]);
  for (const [mistake, status, message] of [
    ...found,
    [fetchOf('page'), 400, /^image a: the file is a web page/],
    [fetchOf('luks'), 400, /^image a: the file is in LUKS format/],
    [
      fetchOf('raw', { format: 'raw', sha256: '0'.repeat(64) }),
      400,
      /^image a: the fetched file has the sha256 .*, not 0+$/,
    ],
  ] as const) {
    const failure = await failureOf(t, agent, mistake);
    t.is(failure.status, status, failure.message);
    t.regex(failure.message, message);
  }
});

needsInTurn('qemu-system-x86_64', 'qemu-img')(
  'a snapshot in the way is a 409, a missing one a 404, in a dry run as well',
  async (t) => {
    t.timeout(240_000);
    const agent = await startRealAgent(t);
    const { body: guest, jobId } = await agent.client.guests.create({ memory: 32, disks: [DISK] });
    await agent.client.waitForJob(jobId);
    const snapshots = `/guests/${guest.id}/snapshots`;
    for (const dest of ['s1', 's2']) {
      const { status } = await fetch(`${agent.url}${snapshots}?wait=60`, {
        method: 'POST',
        body: JSON.stringify({ dest }),
      });
      t.is(status, 200);
    }
    await agent.client.waitForJob((await agent.client.guests.perform(guest.id, 'poweroff')).jobId);
    const found = [
      [
        { path: snapshots, body: { dest: 's1' } },
        409,
        /snapshot s1 of disk 0 of guest \S+ already exists: choose another name$/,
      ],
      [{ path: `${snapshots}/s1/rollback` }, 409, /newer snapshots exist: s2: delete them first/],
      [{ path: `${snapshots}/s3`, method: 'DELETE' }, 404, /snapshot s3 of .*: not found$/],
    ] as const;
    await assertDryRuns(t, agent, found, [
      [{ path: snapshots, body: { dest: 's3' } }, null],
      [{ path: `${snapshots}/s1/rollback`, body: { destroyMoreRecent: true } }, null],
      [{ path: `${snapshots}/s1`, method: 'DELETE' }, null],
    ]);
    t.is((await agent.client.snapshotsOf(guest.id).list()).items.length, 2);
    for (const [mistake, status, message] of [
      ...found,
      [{ path: `/guests/${guest.id}/suspend` }, 409, /is shutoff: only a running guest can be suspended$/],
    ] as const) {
      const failure = await failureOf(t, agent, mistake);
      t.is(failure.status, status, failure.message);
      t.regex(failure.message, message);
    }
  },
);

needsInTurn('qemu-system-x86_64', 'qemu-img')('a dry run checks every stage of a create', async (t) => {
  t.timeout(240_000);
  const agent = await startRealAgent(t);
  const dryRun = `${agent.url}/guests?dryRun=true`;
  const spec = { memory: 32, disks: [DISK, { ...DISK, bus: 'scsi' }], nics: [NIC] };
  const response = await fetch(dryRun, { method: 'POST', body: JSON.stringify(spec) });
  t.is(response.status, 200, await response.text());
  t.is(response.headers.get('x-unchecked-stages'), null);
  t.deepEqual((await agent.client.guests.list()).items, []);
  t.deepEqual(await readdir(join(agent.dbpath, 'storage', 'guests')), []);
  t.deepEqual(await readdir(join(agent.dbpath, 'qemu', 'guests')).catch(() => []), []);
});

needsInTurn('qemu-system-x86_64', 'qemu-img')(
  'a rollback that cannot be leaves a guest that runs alone, even where it may power it off',
  async (t) => {
    t.timeout(240_000);
    const agent = await startRealAgent(t);
    const { client } = agent;
    const { body: guest, jobId } = await client.guests.create({ memory: 32, disks: [DISK] });
    await client.waitForJob(jobId);
    const snapshots = client.snapshotsOf(guest.id);
    for (const dest of ['s1', 's2']) await client.waitForJob((await snapshots.create(dest)).jobId);
    for (const [name, message] of [
      ['s1', /newer snapshots exist: s2: delete them first/],
      ['typo', /snapshot typo of .*: not found/],
    ] as const) {
      const { jobId: rollback } = await snapshots.rollBack(name, { poweroff: true });
      await t.throwsAsync(client.waitForJob(rollback), { message });
      t.is((await client.guests.get(guest.id)).state, 'running');
    }
    const { jobId: rollback } = await snapshots.rollBack('s2', { poweroff: true });
    t.regex((await client.waitForJob(rollback)).Message, /the guest was powered off/);
    t.is((await client.guests.get(guest.id)).state, 'shutoff');
  },
);
