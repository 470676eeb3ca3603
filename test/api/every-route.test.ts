import test from 'ava';
import { isWebSocket } from '../../lib/server/route.js';
import { routeTable } from '../../routes/table.js';
import { serveApi } from '../helpers/api.js';
import { view } from '../helpers/console.js';
import { exampleOf, pathOf } from '../helpers/endpoints.js';

for (const route of routeTable.filter((each) => !isWebSocket(each)))
  test(`${route.method} ${route.path} responds as its route describes`, async (t) => {
    const { call, context } = await serveApi(t);
    const example = await exampleOf(route, context);
    const payload = route.method === 'GET' ? undefined : example.payload;
    const response = await call(route.method, pathOf(route, example), payload);
    t.is(response.status, route.reply.status, response.text);
    if (!route.reply.schema) return;
    t.regex(response.headers.get('content-type') ?? '', /^application\/json/);
    t.is(route.reply.schema.validate(response.body, { convert: false }).error, undefined);
  });

for (const route of routeTable.filter(isWebSocket))
  test(`${route.method} ${route.path} becomes a WebSocket`, async (t) => {
    const { url, context } = await serveApi(t);
    const { protocol } = await view(`${url}${pathOf(route, await exampleOf(route, context))}`);
    t.is(protocol, 'mistify.console');
  });

test('has only one route for each path and method', (t) => {
  const names = routeTable.map(({ method, path }) => `${method} ${path}`);
  t.deepEqual(names, [...new Set(names)]);
});

test('has every path of the contract and of the original README', (t) => {
  const names = new Set(routeTable.map(({ method, path }) => `${method} ${path}`));
  const actions = 'shutdown reboot restart poweroff start suspend delete'.split(' ');
  const snapshots = ['/guests/{guestID}/snapshots', '/guests/{guestID}/disks/{diskID}/snapshots'];
  const images = ['/images', '/container_images'];
  const expected = [
    ...['GET /metadata', 'PATCH /metadata', 'GET /jobs', 'GET /jobs/{jobID}', 'GET /guests', 'POST /guests'],
    ...['GET /guests/{guestID}', 'DELETE /guests/{guestID}'],
    ...['GET /guests/{guestID}/jobs', 'GET /guests/{guestID}/jobs/{jobID}'],
    ...['GET /guests/{guestID}/metadata', 'PATCH /guests/{guestID}/metadata'],
    ...['cpu', 'disk', 'nic'].map((type) => `GET /guests/{guestID}/metrics/${type}`),
    ...actions.flatMap((action) => ['GET', 'POST'].map((method) => `${method} /guests/{guestID}/${action}`)),
    ...images.flatMap((path) => [`GET ${path}`, `POST ${path}`]),
    ...images.flatMap((path) => [`GET ${path}/{imageID}`, `DELETE ${path}/{imageID}`]),
    ...snapshots.flatMap((path) => [`GET ${path}`, `POST ${path}`]),
    ...snapshots.flatMap((path) => [`GET ${path}/{name}`, `PATCH ${path}/{name}`, `DELETE ${path}/{name}`]),
    ...snapshots.flatMap((path) => [`POST ${path}/{name}/rollback`, `GET ${path}/{name}/download`]),
    ...['', '/{profile}', '/cmdline', '/symbol'].map((path) => `GET /debug/pprof${path}`),
  ];
  t.deepEqual(
    expected.filter((name) => !names.has(name as `GET ${string}`)),
    [],
  );
});
