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

test('bytes pass in both directions, those that come with the handshake as well', async (t) => {
  const { serial } = await serve(t, undefined);
  const viewer = await view(serial);
  await viewer.sees('hello');
  viewer.type('who is there');
  t.true(await viewer.sees('WHO IS THERE'));
});

test('a container’s console is its own action', async (t) => {
  const { serial, scripted } = await serve(t, undefined, 'container');
  await (await view(serial)).sees('hello');
  t.deepEqual(
    scripted.consoles.map(({ path }) => path),
    ['/console/containerSerialConsole'],
  );
});

test('the sub-agent is told the guest and how much of what was said before is wanted', async (t) => {
  const { serial, context, scripted } = await serve(t, undefined);
  await view(`${serial}?scrollback=99`);
  await view(serial);
  const guest = context.guests.list()[0]?.id;
  t.like(scripted.consoles, [
    { path: '/console/serialConsole', guest, scrollback: 99 },
    { guest, scrollback: 16_384 },
  ]);
});

test('text tells how large the terminal is, and is not typed', async (t) => {
  const sizes: TerminalSize[] = [];
  const { serial } = await serve(t, () => ({ bytes: shouting(), resize: (size) => void sizes.push(size) }));
  const viewer = await view(serial);
  viewer.resize({ columns: 132, rows: 43 });
  viewer.type('x');
  await viewer.sees('X');
  t.deepEqual(sizes, [{ columns: 132, rows: 43 }]);
  t.false(viewer.output.includes('132'));
});

test('text that is no such thing closes the console, which says what text is for', async (t) => {
  const { serial } = await serve(t, undefined);
  for (const nonsense of ['ls', '{"resize": {"columns": -1, "rows": 2}}', '{"resize": {"columns": 1}}']) {
    const viewer = await view(serial, { stream: { decodeStrings: false } });
    const ended = viewer.ends();
    viewer.stream.write(nonsense);
    t.deepEqual(await ended, [1011, 'text messages must be {"resize": {"columns": N, "rows": N}}'], nonsense);
  }
});

test('a message that is too large closes the console, and the agent goes on', async (t) => {
  const { serial, call } = await serve(t, undefined);
  const viewer = await view(serial);
  const ended = viewer.ends();
  viewer.stream.write(Buffer.alloc(MAX_MESSAGE_BYTES + 1));
  t.is((await ended)[0], 1009);
  t.is((await call('GET', '/healthz')).status, 200);
});

test('bytes that are no frames close the console, and the agent goes on', async (t) => {
  const { url, serial, call } = await serve(t, undefined);
  const handshake = [
    `GET ${new URL(serial).pathname} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  ];
  const answer = await answerTo(url, `${handshake.join('\r\n')}\r\n\r\n${'nonsense'.repeat(100)}`);
  t.regex(answer, /^HTTP\/1\.1 101 /);
  t.is((await call('GET', '/healthz')).status, 200);
});

test('when the guest’s side ends the client is told that it was meant to', async (t) => {
  const bytes = shouting();
  const { serial } = await serve(t, () => ({ bytes }));
  const viewer = await view(serial);
  const ended = viewer.ends();
  bytes.push(null);
  t.deepEqual(await ended, [1000, '']);
});

test('when the guest’s side fails the client is told why', async (t) => {
  const bytes = shouting();
  const { serial } = await serve(t, () => ({ bytes }));
  const viewer = await view(serial);
  const ended = viewer.ends();
  bytes.destroy(new Error(`the shell is broken: ${'é'.repeat(200)}`));
  const [code, reason] = await ended;
  t.is(code, 1011);
  t.regex(reason, /^the shell is broken: é+$/);
});

test('when the client goes away the guest’s side is closed', async (t) => {
  const bytes = shouting();
  const { serial } = await serve(t, () => ({ bytes }));
  const viewer = await view(serial);
  await viewer.sees('hello');
  viewer.stream.destroy();
  await once(bytes, 'close');
  t.true(bytes.destroyed);
});

test('a client that reads nothing is not buffered for without bound', async (t) => {
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

test('a guest has so many consoles and no more, until one is closed', async (t) => {
  const { serial } = await serve(t, undefined);
  const viewers = await Promise.all(Array.from({ length: MAX_CONSOLES }, () => view(serial)));
  t.like(await refusal(serial), { status: 429 });
  viewers[0]?.leave();
  await until('there is room', () => view(serial).catch(() => undefined));
  t.pass();
});

test('other actions of the guest go on while its console is open', async (t) => {
  const { serial, call, context } = await serve(t, undefined);
  await view(serial);
  const id = context.guests.list()[0]?.id;
  t.is((await call('POST', `/guests/${id}/start?wait=10`)).status, 200);
});

test('a request that is none for a WebSocket is told so', async (t) => {
  const { call, context } = await serve(t, undefined);
  const id = context.guests.list()[0]?.id;
  const { status, headers } = await call('GET', `/guests/${id}/console/serial`);
  t.is(status, 426);
  t.is(headers.get('upgrade'), 'websocket');
});

test('a guest that is not there is a 404, in words', async (t) => {
  const { url } = await serve(t, undefined);
  const path = '/guests/7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10/console/serial';
  t.like(await refusal(`${url}${path}`), { status: 404 });
});

test('a console that the config does not have is a 404', async (t) => {
  const { url, context } = await serveApi(t, { actions: { vncConsole: undefined } });
  const { id } = await addGuest(context);
  const { status, message } = await refusal(`${url}/guests/${id}/console/vnc`);
  t.is(status, 404);
  t.is(message, 'vncConsole: Not configured');
});

test('a scrollback that is no number of bytes is a 400', async (t) => {
  const { serial } = await serve(t, undefined);
  for (const value of ['-1', 'all', '99999999'])
    t.like(await refusal(`${serial}?scrollback=${value}`), { status: 400 });
});

test('what the sub-agent refuses is refused, in its words', async (t) => {
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

test('a sub-agent that is down is a 503', async (t) => {
  const { serial, scripted } = await serve(t, undefined);
  await scripted.subAgent.close();
  t.like(await refusal(serial), { status: 503 });
});

test('when the agent stops, consoles are closed with the code for that', async (t) => {
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

test('a page of another site gets no console', async (t) => {
  const { serial } = await serve(t, undefined);
  t.like(await refusal(serial, { headers: { Origin: 'https://evil.example' } }), { status: 403 });
});

test('the audit log has who opened which console', async (t) => {
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

/** What is answered to a request, byte for byte as it is sent. */
const answerTo = async (url: string, request: string): Promise<string> => {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(request);
  return text(socket);
};

test('a request that would rather speak another protocol is answered all the same', async (t) => {
  const { url, context } = await serveApi(t);
  const body = '{"memory": 64}';
  const answer = await answerTo(
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
  t.regex(answer, /^HTTP\/1\.1 202 [\s\S]*connection: close/i);
  t.like(context.guests.list(), [{ memory: 64 }]);
});

test('requests for another protocol that come before the earlier answers are answered after them', async (t) => {
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
  const answers = Object.values(upgrades).map((head) =>
    answerTo(url, `${slow}${head.join('\r\n')}\r\nHost: localhost\r\n\r\n`),
  );
  open();
  const [h2c, webSocket] = await Promise.all(answers);
  t.regex(h2c ?? '', /^HTTP\/1\.1 200 [\s\S]*\[\]HTTP\/1\.1 200 [\s\S]*\{"status":"ok"\}$/);
  t.regex(webSocket ?? '', /^HTTP\/1\.1 200 [\s\S]*\[\]HTTP\/1\.1 404 /);
});

test('a connection that is reset while it waits for another protocol ends nothing but itself', async (t) => {
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

test('a request with a body is none for a WebSocket, and loses nothing of it', async (t) => {
  const { url, context } = await serveApi(t);
  const body = '{"memory": 64}';
  const head = 'POST /guests HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  t.regex(await answerTo(url, `${head}Content-Length: ${body.length}\r\n\r\n${body}`), /^HTTP\/1\.1 202 /);
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  t.regex(await answerTo(url, chunked), /^HTTP\/1\.1 202 /);
  t.like(context.guests.list(), [{ memory: 64 }, { memory: 64 }]);
});

test('empty messages are nothing, however many come', async (t) => {
  const bytes = new Duplex({ read() {}, write() {} });
  const { serial, call } = await serve(t, () => ({ bytes }));
  const viewer = await view(serial);
  for (let count = 0; count < 10_000; count += 1) viewer.stream.write(Buffer.alloc(0));
  await until('they have arrived', () => viewer.stream.writableLength === 0);
  t.is((await call('GET', '/healthz')).status, 200);
  t.is(bytes.writableLength, 0);
});

test('a handshake that is none is a 400 in words, and nothing is opened for it', async (t) => {
  const { url, serial, scripted } = await serve(t, undefined);
  const head = `GET ${new URL(serial).pathname} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
  for (const [headers, words] of [
    ['Sec-WebSocket-Version: 13\r\n', /Sec-WebSocket-Key must be/],
    [`${key}Sec-WebSocket-Version: 99\r\n`, /Sec-WebSocket-Version must be 13/],
    [`${key}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a,,b\r\n`, /Sec-WebSocket-Protocol must be/],
  ] as const) {
    const answer = await answerTo(url, `${head}${headers}\r\n`);
    t.regex(answer, /^HTTP\/1\.1 400 [\s\S]*\{"message":/);
    t.regex(answer, words);
  }
  t.deepEqual(scripted.consoles, []);
});

test('who asks without a WebSocket learns why one would be refused', async (t) => {
  const { call, context } = await serve(t, () => {
    throw new Refusal('conflict', 'guest x is off: start it first');
  });
  const id = context.guests.list()[0]?.id;
  t.like(await call('GET', `/guests/${id}/console/serial`), {
    status: 409,
    body: { message: 'guest x is off: start it first' },
  });
});

test('a WebSocket is refused where there is none, and where it makes no sense', async (t) => {
  const { url, context } = await serve(t, undefined);
  const id = context.guests.list()[0]?.id;
  const upgrade = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  t.regex(await answerTo(url, `GET /healthz HTTP/1.1\r\n${upgrade}\r\n`), /^HTTP\/1\.1 200 /);
  t.regex(await answerTo(url, `GET /nothing HTTP/1.1\r\n${upgrade}\r\n`), /^HTTP\/1\.1 404 /);
  const withoutKey = `GET /guests/${id}/console/serial HTTP/1.1\r\n${upgrade}\r\n`;
  t.regex(await answerTo(url, withoutKey), /^HTTP\/1\.1 400 /);
});
