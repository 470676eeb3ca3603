import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import type { TerminalSize } from '../../lib/http/websocket/console.js';
import { UpgradeRefused } from '../../lib/http/websocket/dial.js';
import { MAX_MESSAGE_BYTES } from '../../lib/http/websocket/upgrades.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { MAX_CONSOLES } from '../../lib/runtime/jobs/runner.js';
import { LOCAL } from '../../lib/server/access.js';
import { createServer } from '../../lib/server/server.js';
import { routeTable } from '../../routes/table.js';
import { addGuest, startTestAgent } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import { shouting, view } from '../helpers/console.js';
import type { Script } from '../helpers/scripted.js';
import { gate, until } from '../helpers/wait.js';

interface Served extends Api {
  /** The URL of the guest's serial console. */
  serial: string;
}

const serve = async (t: ExecutionContext, console: Script['console'], type = ''): Promise<Served> => {
  const api = await serveApi(t, { console: console ?? (() => ({ bytes: shouting() })) });
  const { id } = await addGuest(api.context, { type });
  return { ...api, serial: `${api.url}/guests/${id}/console/serial` };
};

const refusal = async (url: string, options = {}): Promise<{ status: number; message: string }> => {
  try {
    await view(url, options);
  } catch (error) {
    if (!(error instanceof UpgradeRefused)) throw error;
    return { status: error.status, message: (JSON.parse(error.body) as { message: string }).message };
  }
  throw new Error(`${url} was not refused`);
};

test('passes bytes in both directions, including those sent with the handshake', async (t) => {
  const { serial } = await serve(t, undefined);
  const viewer = await view(serial);
  await viewer.sees('hello');
  viewer.type('who is there');
  t.true(await viewer.sees('WHO IS THERE'));
});

test('opens a container’s console with the container action', async (t) => {
  const { serial, scripted } = await serve(t, undefined, 'container');
  await (await view(serial)).sees('hello');
  t.deepEqual(
    scripted.consoles.map(({ path }) => path),
    ['/console/containerSerialConsole'],
  );
});

test('passes the guest and the wanted scrollback to the sub-agent', async (t) => {
  const { serial, context, scripted } = await serve(t, undefined);
  await view(`${serial}?scrollback=99`);
  await view(serial);
  const guest = context.guests.list()[0]?.id;
  t.like(scripted.consoles, [
    { path: '/console/serialConsole', guest, scrollback: 99 },
    { guest, scrollback: 16_384 },
  ]);
});

test('takes text messages as terminal sizes, not as input', async (t) => {
  const sizes: TerminalSize[] = [];
  const { serial } = await serve(t, () => ({ bytes: shouting(), resize: (size) => void sizes.push(size) }));
  const viewer = await view(serial);
  viewer.resize({ columns: 132, rows: 43 });
  viewer.type('x');
  await viewer.sees('X');
  t.deepEqual(sizes, [{ columns: 132, rows: 43 }]);
  t.false(viewer.output.includes('132'));
});

test('closes the console on any other text, and says what text is for', async (t) => {
  const { serial } = await serve(t, undefined);
  for (const nonsense of ['ls', '{"resize": {"columns": -1, "rows": 2}}', '{"resize": {"columns": 1}}']) {
    const viewer = await view(serial, { stream: { decodeStrings: false } });
    const ended = viewer.ends();
    viewer.stream.write(nonsense);
    t.deepEqual(await ended, [1011, 'text messages must be {"resize": {"columns": N, "rows": N}}'], nonsense);
  }
});

test('closes the console on a message that is too large, and keeps serving', async (t) => {
  const { serial, call } = await serve(t, undefined);
  const viewer = await view(serial);
  const ended = viewer.ends();
  viewer.stream.write(Buffer.alloc(MAX_MESSAGE_BYTES + 1));
  t.is((await ended)[0], 1009);
  t.is((await call('GET', '/healthz')).status, 200);
});

test('closes the console on malformed frames, and keeps serving', async (t) => {
  const { url, serial, call } = await serve(t, undefined);
  const handshake = [
    `GET ${new URL(serial).pathname} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  ];
  const response = await rawResponseTo(url, `${handshake.join('\r\n')}\r\n\r\n${'nonsense'.repeat(100)}`);
  t.regex(response, /^HTTP\/1\.1 101 /);
  t.is((await call('GET', '/healthz')).status, 200);
});

test('reports a regular end of the guest’s side to the client', async (t) => {
  const bytes = shouting();
  const { serial } = await serve(t, () => ({ bytes }));
  const viewer = await view(serial);
  const ended = viewer.ends();
  bytes.push(null);
  t.deepEqual(await ended, [1000, '']);
});

test('reports a failure of the guest’s side to the client with its reason', async (t) => {
  const bytes = shouting();
  const { serial } = await serve(t, () => ({ bytes }));
  const viewer = await view(serial);
  const ended = viewer.ends();
  bytes.destroy(new Error(`the shell is broken: ${'é'.repeat(200)}`));
  const [code, reason] = await ended;
  t.is(code, 1011);
  t.regex(reason, /^the shell is broken: é+$/);
});

test('closes the guest’s side when the client disconnects', async (t) => {
  const bytes = shouting();
  const { serial } = await serve(t, () => ({ bytes }));
  const viewer = await view(serial);
  await viewer.sees('hello');
  viewer.stream.destroy();
  await once(bytes, 'close');
  t.true(bytes.destroyed);
});

test('bounds the buffer of a client that does not read', async (t) => {
  let pushed = 0;
  const bytes = new Duplex({
    read() {
      pushed += 65_536;
      this.push(Buffer.alloc(65_536));
    },
    write: (_chunk, _encoding, done) => done(),
  });
  const { serial } = await serve(t, () => ({ bytes }));
  const viewer = await view(serial);
  viewer.stream.pause();
  let before = -1;
  await until('it comes to a stop', async () => {
    const stopped = pushed === before;
    before = pushed;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return stopped;
  });
  t.true(pushed < 64 * 2 ** 20, `${pushed}`);
  viewer.stream.destroy();
});

test('limits the consoles of a guest until one is closed', async (t) => {
  const { serial } = await serve(t, undefined);
  const viewers = await Promise.all(Array.from({ length: MAX_CONSOLES }, () => view(serial)));
  t.like(await refusal(serial), { status: 429 });
  viewers[0]?.leave();
  await until('there is room', () => view(serial).catch(() => undefined));
  t.pass();
});

test('runs other actions of the guest while its console is open', async (t) => {
  const { serial, call, context } = await serve(t, undefined);
  await view(serial);
  const id = context.guests.list()[0]?.id;
  t.is((await call('POST', `/guests/${id}/start?wait=10`)).status, 200);
});

test('responds with 426 to a request without a WebSocket handshake', async (t) => {
  const { call, context } = await serve(t, undefined);
  const id = context.guests.list()[0]?.id;
  const { status, headers } = await call('GET', `/guests/${id}/console/serial`);
  t.is(status, 426);
  t.is(headers.get('upgrade'), 'websocket');
});

test('rejects an unknown guest with 404', async (t) => {
  const { url } = await serve(t, undefined);
  const path = '/guests/7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10/console/serial';
  t.like(await refusal(`${url}${path}`), { status: 404 });
});

test('rejects with 404 a console that is not configured', async (t) => {
  const { url, context } = await serveApi(t, { actions: { vncConsole: undefined } });
  const { id } = await addGuest(context);
  const { status, message } = await refusal(`${url}/guests/${id}/console/vnc`);
  t.is(status, 404);
  t.is(message, 'vncConsole: Not configured');
});

test('rejects a malformed scrollback with 400', async (t) => {
  const { serial } = await serve(t, undefined);
  for (const value of ['-1', 'all', '99999999'])
    t.like(await refusal(`${serial}?scrollback=${value}`), { status: 400 });
});

test('passes on the sub-agent’s refusal with its message', async (t) => {
  const refusals: [Refusal | Error, number, RegExp][] = [
    [new Refusal('conflict', 'guest x is off: start it first'), 409, /^guest x is off: start it first$/],
    [new Refusal('not_found', 'guest x: not found'), 404, /^guest x: not found$/],
    [new Error('out of sockets'), 502, /serialConsole: out of sockets/],
  ];
  for (const [error, status, words] of refusals) {
    const { serial } = await serve(t, () => {
      throw error;
    });
    const refused = await refusal(serial);
    t.is(refused.status, status);
    t.regex(refused.message, words);
  }
});

test('responds with 503 when the sub-agent is down', async (t) => {
  const { serial, scripted } = await serve(t, undefined);
  await scripted.subAgent.close();
  t.like(await refusal(serial), { status: 503 });
});

test('closes consoles with code 1001 when the agent stops', async (t) => {
  const { context } = await startTestAgent(t, {});
  const server = await createServer({
    routes: routeTable,
    pages: [],
    context,
    endpoint: { listen: { host: '127.0.0.1', port: 0 }, access: LOCAL },
  });
  await server.start();
  const { id } = await addGuest(context);
  const viewer = await view(`http://127.0.0.1:${server.info.port}/guests/${id}/console/serial`);
  const ended = viewer.ends();
  await server.stop();
  t.is((await ended)[0], 1001);
});

test('refuses a console to pages of other sites', async (t) => {
  const { serial } = await serve(t, undefined);
  t.like(await refusal(serial, { headers: { Origin: 'https://evil.example' } }), { status: 403 });
});

test('records who opened which console in the audit log', async (t) => {
  const { serial, context, dbpath } = await serve(t, undefined);
  await view(serial);
  await context.audit.close();
  const lines = (await readFile(`${dbpath}/audit.log`, 'utf8')).trim().split('\n');
  t.like(JSON.parse(lines.at(-1) ?? ''), {
    event: 'request',
    principal: 'local',
    route: '/guests/{guestID}/console/serial',
    guest: context.guests.list()[0]?.id,
    status: 101,
  });
});

/** Returns the raw response to a raw request. */
const rawResponseTo = async (url: string, request: string): Promise<string> => {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(request);
  return text(socket);
};

test('responds in HTTP to a request for an upgrade to an unsupported protocol', async (t) => {
  const { url, context } = await serveApi(t);
  const body = '{"memory": 64}';
  const response = await rawResponseTo(
    url,
    [
      'POST /guests HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n'),
  );
  t.regex(response, /^HTTP\/1\.1 202 [\s\S]*connection: close/i);
  t.like(context.guests.list(), [{ memory: 64 }]);
});

test('responds to pipelined upgrade requests in order', async (t) => {
  const { opened, open } = gate();
  const { url, context } = await serveApi(t, {
    console: () => ({ bytes: shouting() }),
    methods: { 'Test.cpuMetrics': ({ guest, type }) => opened.then(() => ({ guest, type, cpu: [] })) },
  });
  const { id } = await addGuest(context);
  const slow = `GET /guests/${id}/metrics/cpu HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const upgrades = {
    h2c: ['GET /healthz HTTP/1.1', 'Connection: Upgrade, close', 'Upgrade: h2c'],
    websocket: ['GET /nothing HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket'],
  };
  const responses = Object.values(upgrades).map((head) =>
    rawResponseTo(url, `${slow}${head.join('\r\n')}\r\nHost: localhost\r\n\r\n`),
  );
  open();
  const [h2c, webSocket] = await Promise.all(responses);
  t.regex(h2c ?? '', /^HTTP\/1\.1 200 [\s\S]*\[\]HTTP\/1\.1 200 [\s\S]*\{"status":"ok"\}$/);
  t.regex(webSocket ?? '', /^HTTP\/1\.1 200 [\s\S]*\[\]HTTP\/1\.1 404 /);
});

for (const [what, head, status] of [
  ['that expects something unknown', 'GET / HTTP/1.1\r\nHost: localhost\r\nExpect: a-miracle', 417],
  ['without a host', 'GET / HTTP/1.1', 400],
] as const)
  for (const upgrade of ['websocket', 'h2c'])
    test(`survives a request ${what}, with an upgrade to ${upgrade} right behind it`, async (t) => {
      const { url, call } = await serveApi(t);
      const behind = `GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}`;
      const response = await rawResponseTo(url, `${head}\r\n\r\n${behind}\r\n\r\n`);
      t.regex(response ?? '', new RegExp(`^HTTP/1\\.1 ${status} `));
      t.is((await call('GET', '/healthz')).status, 200);
    });

test('survives the reset of a connection that waits for its upgrade', async (t) => {
  const { url, call } = await serve(t, undefined);
  for (const upgrade of ['websocket', 'h2c']) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const events = 'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n';
    socket.write(
      `${events}GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`,
    );
    await once(socket, 'data');
    socket.resetAndDestroy();
  }
  t.is((await call('GET', '/healthz')).status, 200);
});

test('does not upgrade a request with a body, and keeps the body whole', async (t) => {
  const { url, context } = await serveApi(t);
  const body = '{"memory": 64}';
  const head = 'POST /guests HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  t.regex(
    await rawResponseTo(url, `${head}Content-Length: ${body.length}\r\n\r\n${body}`),
    /^HTTP\/1\.1 202 /,
  );
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  t.regex(await rawResponseTo(url, chunked), /^HTTP\/1\.1 202 /);
  t.like(context.guests.list(), [{ memory: 64 }, { memory: 64 }]);
});

test('ignores empty messages, however many arrive', async (t) => {
  const bytes = new Duplex({ read() {}, write() {} });
  const { serial, call } = await serve(t, () => ({ bytes }));
  const viewer = await view(serial);
  for (let count = 0; count < 10_000; count += 1) viewer.stream.write(Buffer.alloc(0));
  await until('they have arrived', () => viewer.stream.writableLength === 0);
  t.is((await call('GET', '/healthz')).status, 200);
  t.is(bytes.writableLength, 0);
});

test('rejects a malformed handshake with 400 and opens no console', async (t) => {
  const { url, serial, scripted } = await serve(t, undefined);
  const head = `GET ${new URL(serial).pathname} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
  for (const [headers, words] of [
    ['Sec-WebSocket-Version: 13\r\n', /Sec-WebSocket-Key must be/],
    [`${key}Sec-WebSocket-Version: 99\r\n`, /Sec-WebSocket-Version must be 13/],
    [`${key}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a,,b\r\n`, /Sec-WebSocket-Protocol must be/],
  ] as const) {
    const response = await rawResponseTo(url, `${head}${headers}\r\n`);
    t.regex(response, /^HTTP\/1\.1 400 [\s\S]*\{"message":/);
    t.regex(response, words);
  }
  t.deepEqual(scripted.consoles, []);
});

test('responds without a handshake with the error that a WebSocket would get', async (t) => {
  const { call, context } = await serve(t, () => {
    throw new Refusal('conflict', 'guest x is off: start it first');
  });
  const id = context.guests.list()[0]?.id;
  t.like(await call('GET', `/guests/${id}/console/serial`), {
    status: 409,
    body: { message: 'guest x is off: start it first' },
  });
});

test('refuses a WebSocket on other routes, on unknown paths and without a key', async (t) => {
  const { url, context } = await serve(t, undefined);
  const id = context.guests.list()[0]?.id;
  const upgrade = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  t.regex(await rawResponseTo(url, `GET /healthz HTTP/1.1\r\n${upgrade}\r\n`), /^HTTP\/1\.1 200 /);
  t.regex(await rawResponseTo(url, `GET /nothing HTTP/1.1\r\n${upgrade}\r\n`), /^HTTP\/1\.1 404 /);
  const withoutKey = `GET /guests/${id}/console/serial HTTP/1.1\r\n${upgrade}\r\n`;
  t.regex(await rawResponseTo(url, withoutKey), /^HTTP\/1\.1 400 /);
});

test('says what the guest agent of a virtual machine cannot do with programs, with 400', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context, {});
  t.like(await refusal(`${url}/guests/${id}/exec`), { status: 400 });
  t.regex((await refusal(`${url}/guests/${id}/exec`)).message, /connects no terminal and no input/);
  const response = await fetch(`${url}/guests/${id}/exec`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ command: ['true'], workingDir: '/srv' }),
  });
  t.is(response.status, 400);
  t.regex(((await response.json()) as { message: string }).message, /"workingDir" is for a container/);
});
