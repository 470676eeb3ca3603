import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { DEFAULT_TIMEOUTS } from '../../lib/server/listener.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { makeToken, serveGuarded } from '../helpers/guarded.js';
import { until } from '../helpers/wait.js';

test('passes on what a guest has printed', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  for (const type of ['kvm', 'container']) {
    const { id } = await addGuest(context, { type });
    const { status, headers, text } = await call('GET', `/guests/${id}/logs?follow=true&tail=10`);
    t.is(status, 200);
    t.is(headers.get('content-type'), 'text/plain; charset=utf-8');
    t.is(text, 'the bytes of the disk');
    t.deepEqual(scripted.requests('/download').at(-1) as unknown, { guest: id, follow: true, tail: 10 });
  }
});

test('passes on how a container’s output is wanted', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { type: 'container' });
  await call('GET', `/guests/${id}/logs?since=2026-11-30T12:00:00Z&timestamps=true&stream=stderr`);
  t.like(scripted.requests('/download')[0], {
    since: '2026-11-30T12:00:00.000Z',
    timestamps: true,
    stream: 'stderr',
  });
});

test('rejects a wrong query before it asks a sub-agent', async (t) => {
  const { call, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context);
  for (const query of ['tail=-1', 'tail=many', 'since=yesterday', 'stream=stdin']) {
    const { status } = await call('GET', `/guests/${id}/logs?${query}`);
    t.is(status, 400, query);
  }
  t.is((await call('GET', '/guests/41ab690d-db65-43e3-8d74-3a15885d9ba2/logs')).status, 404);
  t.deepEqual(scripted.calls, []);
});

test('sends the head of a response whose first byte takes its time', async (t) => {
  const { url, context } = await serveApi(t, { download: async () => new PassThrough() });
  const { id } = await addGuest(context);
  const response = await fetch(`${url}/guests/${id}/logs?follow=true`);
  t.is(response.status, 200);
  await response.body?.cancel();
});

for (const encoding of ['identity', 'gzip'])
  test(`each piece of a followed output leaves as it arrives, however long the next one takes: ${encoding}`, async (t) => {
    const printed = new PassThrough();
    const timeouts = { ...DEFAULT_TIMEOUTS, stall: 200 };
    const { url, context } = await serveApi(t, { download: async () => printed }, timeouts);
    const { id } = await addGuest(context);
    const { body } = await fetch(`${url}/guests/${id}/logs?follow=true`, {
      headers: { 'accept-encoding': encoding },
    });
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    for (const line of ['one\n', 'two\n', 'three\n']) {
      printed.write(line);
      t.is(Buffer.from((await reader.read()).value ?? []).toString(), line);
      await delay(500);
    }
    printed.end('four\n');
    t.is(Buffer.from((await reader.read()).value ?? []).toString(), 'four\n');
    t.true((await reader.read()).done);
  });

test('shows a guest’s output to those who may have its files, and audits it', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const { id } = await addGuest(api.context);
  for (const [scope, expected] of [
    ['read', 403],
    ['export', 200],
  ] as const) {
    const headers = { Authorization: `Bearer ${await makeToken(dbpath, scope, scope)}` };
    t.is((await api.call('GET', `/guests/${id}/logs`, undefined, headers)).status, expected);
  }
  await until('both are in the audit log', async () => {
    const log = await readFile(join(dbpath, 'audit.log'), 'utf8');
    return log.split('\n').filter((line) => line.includes('/logs')).length === 2;
  });
});
