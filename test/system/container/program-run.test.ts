import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import type { Guest } from '../../../lib/model/guest.js';
import type { ProgramRun } from '../../../lib/model/program-run.js';
import { startContainerAgent } from '../../helpers/container-agent.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { dockerArchive } from '../../helpers/docker-archive.js';
import { busyboxRootfs } from '../../helpers/engines/busybox.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const SECOND = 1e9;

const shell = (script: string): Partial<Guest> => ({
  container: { command: ['sh', '-c', script] },
});

const start = async (about: Partial<Guest>) => {
  const { guest } = await shared.containers();
  const made = newGuest(about);
  const created = await guest('CreateContainer', made);
  const now = async (): Promise<Guest> => (await guest('Status', made)).guest;
  const ended = async (): Promise<ProgramRun> => {
    await until('the program has ended', async () => (await now()).state === 'stopped');
    return (await now()).program ?? {};
  };
  await guest('StartContainer', made);
  return { created: created.guest, now, ended, made };
};

test('says when a program started and ended, and with which exit code', async (t) => {
  const { created, ended } = await start(shell('exit 7'));
  t.is(created.program, undefined);
  const { started = '', ended: end = '', ...rest } = await ended();
  t.deepEqual(rest, { exitCode: 7 });
  t.true(Date.parse(started) <= Date.parse(end));
  t.true(Math.abs(Date.now() - Date.parse(end)) < 3_600_000, end);
});

test('says that a program ended because of its memory limit', async (t) => {
  const { ended, now } = await start({ ...shell('a=x; while :; do a=$a$a; done'), memory: 16 });
  t.is((await ended()).exitCode, 137);
  if (!(await shared.engine()).traits.tellsOutOfMemory) return;
  t.true((await ended()).outOfMemory);
  t.is((await now()).reason, 'out of memory');
});

test('a program that was started again has only the times of its latest run', async (t) => {
  const { made, ended, now } = await start({ container: { command: 'sleep 600' } });
  const { guest } = await shared.containers();
  const first = (await now()).program;
  t.deepEqual(Object.keys(first ?? {}), ['started']);
  await guest('StopContainer', made, { timeout: '0' });
  t.is((await ended()).exitCode, 137);
  await guest('StartContainer', made);
  const { program } = await now();
  t.deepEqual(Object.keys(program ?? {}), ['started']);
  t.not(program?.started, first?.started);
});

/** Loads an image with a health check. */
const imageWith = async (name: string, test: string[], more: object = {}): Promise<string> => {
  const { call, importDir } = await shared.containers();
  const config = { Healthcheck: { Test: test, Interval: SECOND, Timeout: SECOND, Retries: 2, ...more } };
  const path = join(importDir, `${name}.tar`);
  await writeFile(path, await dockerArchive(await busyboxRootfs(), [{ names: [], config }]));
  const id = `localhost/${name}:1`;
  await call('LoadImage', { id, type: 'container', source: `file://${path}` });
  return id;
};

const healthIs = (now: () => Promise<Guest>, health: string): Promise<unknown> =>
  until(`the program is ${health}`, async () => (await now()).program?.health === health, 30_000);

test('follows the health check of an image', async (t) => {
  const image = await imageWith('checked', ['CMD-SHELL', '! /bin/busybox test -e /tmp/ill']);
  const { now, made } = await start({ image });
  t.is((await now()).program?.health, 'starting');
  await healthIs(now, 'healthy');
  const { call, guest } = await shared.containers();
  const exec = (command: string[]): Promise<unknown> =>
    call('Exec', { guest: { id: made.id }, action: 'containerExec', body: { command } });
  await exec(['/bin/busybox', 'touch', '/tmp/ill']);
  await healthIs(now, 'unhealthy');
  await exec(['/bin/busybox', 'rm', '/tmp/ill']);
  await healthIs(now, 'healthy');
  await guest('StopContainer', made, { timeout: '0' });
  t.is((await now()).program?.health, undefined);
});

test('a health check that hangs makes the program unhealthy', async (t) => {
  const image = await imageWith('hanging', ['CMD-SHELL', 'sleep 300']);
  const { now } = await start({ image });
  await healthIs(now, 'unhealthy');
  t.is((await now()).state, 'running');
});

test('a container’s own health check replaces that of its image, or removes it', async (t) => {
  const image = await imageWith('overruled', ['CMD', '/bin/busybox', 'false'], { Retries: 1 });
  const every = { interval: 1, timeout: 2 };
  const spaced = ['sh', '-c', 'test "$1" = "a  b"', 'sh', 'a  b'];
  for (const command of [spaced, 'test 1 = 1']) {
    const { now } = await start({
      image,
      container: { command: 'sleep 600', health: { command, ...every } },
    });
    await healthIs(now, 'healthy');
  }
  const { now } = await start({ image, container: { command: 'sleep 600', health: { command: [] } } });
  t.is((await now()).program?.health, undefined);
});

/** Reads the event stream until a guest's event matches. */
const eventOf = async (
  url: string,
  matches: (guest: Guest) => boolean,
  stop: AbortSignal,
): Promise<Guest> => {
  const { body } = await fetch(`${url}/events`, { headers: { accept: 'text/event-stream' }, signal: stop });
  let text = '';
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines.filter((each) => each.startsWith('data: '))) {
      const { guest } = JSON.parse(line.slice('data: '.length)) as { guest?: Guest };
      if (guest && matches(guest)) return guest;
    }
  }
  throw new Error('the events ended');
};

const series = async (t: ExecutionContext, url: string, id: string): Promise<Record<string, number>> => {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  const found = lines.filter((line) => line.includes(id) && /^mistify_guest_(program|health)/.test(line));
  t.true(found.length > 0);
  return Object.fromEntries(
    found.map((line) => {
      const [, name = '', status, value] =
        /^mistify_guest_(\w+)\{.*?(?:status="(\w+)")?\} (\S+)$/.exec(line) ?? [];
      return [status ? `${name} ${status}` : name, Number(value)];
    }),
  );
};

test('the record, the events and the metrics of the agent have the latest run and its health', async (t) => {
  const image = await imageWith('watched', ['CMD', '/bin/busybox', 'true']);
  const { client, url } = await startContainerAgent(t, (await shared.engine()).socket);
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const healthy = eventOf(url, ({ program }) => program?.health === 'healthy', stop.signal);
  const { id: _, ...spec } = newGuest({ image });
  const { jobId, body } = await client.guests.create(spec);
  await client.waitForJob(jobId);
  const { id, program } = await healthy;
  t.is(id, body.id);
  t.deepEqual((await client.guests.get(id)).program, program);
  t.like(await series(t, url, id), {
    program_start_time_seconds: Date.parse(program?.started ?? '') / 1000,
    program_restarts: 0,
    'health healthy': 1,
    'health unhealthy': 0,
  });
  const ended = eventOf(url, (guest) => guest.id === id && guest.state === 'stopped', stop.signal);
  const off = await client.guests.perform(id, 'poweroff');
  await client.waitForJob(off.jobId);
  const end = (await ended).program;
  t.is(end?.exitCode, 137);
  t.deepEqual((await client.guests.get(id)).program, end);
  const after = await series(t, url, id);
  t.like(after, { program_exit_code: 137, program_out_of_memory: 0 });
  t.is(after['health healthy'], undefined);
  const removed = await client.guests.perform(id, 'delete');
  await client.waitForJob(removed.jobId);
});
