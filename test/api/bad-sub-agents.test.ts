import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { heapAfterCollection } from '../helpers/heap.js';
import { refusingPort } from '../helpers/ports.js';
import { serveFixed, serveRaw, serveRpc, serveTcp } from '../helpers/raw-service.js';

// Guarantees: G18.

const MB = 2 ** 20;
/** The time limit of a call in seconds, long enough to reject huge responses for their size. */
const TIMEOUT = 3;

/** Repeats a text until the agent hangs up: every `everyMs` milliseconds, or as fast as the agent reads. */
const writeForEver = (socket: Socket, text: string, everyMs?: number): void => {
  const more = (): void => {
    if (everyMs !== undefined) {
      socket.write(text);
      return;
    }
    while (!socket.destroyed && socket.write(text));
  };
  const timer = everyMs === undefined ? undefined : setInterval(more, everyMs);
  socket.on('drain', more);
  socket.on('close', () => clearInterval(timer));
  more();
};

/** Serves a service that responds to any request with this head and then runs `then` on the connection. */
const serveHead = (t: ExecutionContext, head: string, then: (socket: Socket) => void): Promise<number> =>
  serveTcp(t, (socket) =>
    socket.once('data', () => {
      socket.write(head);
      then(socket);
    }),
  );

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const answerAbout =
  (guest: unknown) =>
  ({ id }: { id: number }) => ({ result: { guest }, error: null, id });

/** Faulty sub-agents by their behaviour, each with the message of the job that called it. */
const BEHAVIOURS: Record<string, [serve: (t: ExecutionContext) => Promise<number>, message: RegExp]> = {
  'refuses connections': [refusingPort, /cannot be reached/],
  'never responds': [(t) => serveTcp(t, (socket) => socket.resume()), /no response to Test.start within/],
  'never reads its request': [(t) => serveTcp(t, (socket) => socket.pause()), /no response/],
  'hangs up at once': [(t) => serveTcp(t, (socket) => socket.destroy()), /cannot be reached/],
  'dies in the middle of its response': [
    (t) => serveHead(t, `${OK}Content-Length: 1000\r\n\r\n{"result":`, (socket) => socket.destroy()),
    /bad: /,
  ],
  'stops in the middle of its response': [
    (t) => serveHead(t, `${OK}Content-Length: 1000\r\n\r\n{"result":`, () => {}),
    /no response/,
  ],
  'sends half of the JSON': [(t) => serveFixed(t, 200, '{"result":{"guest":{"id"'), /not JSON/],
  'sends a byte now and then for ever': [
    (t) => serveHead(t, CHUNKED, (socket) => writeForEver(socket, chunk(' '), 20)),
    /no response/,
  ],
  'sends an endless response': [
    (t) => serveHead(t, CHUNKED, (socket) => writeForEver(socket, chunk(' '.repeat(MB)))),
    /bad: .*(has more than 67108864 bytes|no response)/,
  ],
  'announces a huge response': [(t) => serveHead(t, `${OK}Content-Length: 1e12\r\n\r\n`, () => {}), /bad: /],
  'sends endless headers': [
    (t) => serveHead(t, OK, (socket) => writeForEver(socket, `x: ${'y'.repeat(1000)}\r\n`)),
    /bad: /,
  ],
  'sends nothing but 100 Continue': [
    (t) => serveTcp(t, (socket) => writeForEver(socket.resume(), 'HTTP/1.1 100 Continue\r\n\r\n', 20)),
    /bad: /,
  ],
  'sends garbage': [(t) => serveTcp(t, (socket) => socket.end('\0\x01\x02garbage\r\n\r\n')), /bad: /],
  'sends an HTML page': [
    (t) =>
      serveRaw(t, (_, response) => {
        response.setHeader('Content-Type', 'text/html').end('<html></html>');
      }),
    /not JSON/,
  ],
  'redirects the agent': [
    (t) =>
      serveRaw(t, (_, response) => {
        response.writeHead(307, { Location: 'http://127.0.0.1:9/' }).end();
      }),
    /not JSON/,
  ],
  'responds with HTTP 503': [(t) => serveFixed(t, 503, 'busy'), /bad: busy/],
  "responds with another call's id": [
    (t) => serveRpc(t, ({ id }) => ({ result: {}, error: null, id: id + 1 })),
    /another call/,
  ],
  'returns another guest': [
    (t) => serveRpc(t, answerAbout({ id: '00000000-0000-4000-8000-000000000000' })),
    /has guest .*, expected/,
  ],
  'returns no guest': [(t) => serveRpc(t, answerAbout(null)), /has no guest/],
  'returns a malformed guest': [
    (t) => serveRpc(t, ({ id, params }) => answerAbout({ id: params[0].guest, memory: 'x' })({ id })),
    /malformed guest/,
  ],
  'asks for retries for ever': [
    (t) =>
      serveRpc(t, ({ id, params }) => ({
        result: { guest: params[0].guest, retry: 0.001 },
        error: null,
        id,
      })),
    /still asks for a retry/,
  ],
};

for (const [what, [serve, message]] of Object.entries(BEHAVIOURS))
  test.serial(`a sub-agent that ${what} fails only its job, and the guest's next action runs`, async (t) => {
    const { call, context } = await serveApi(t, {
      services: { bad: { port: await serve(t), timeout: TIMEOUT } },
      actions: { start: [{ service: 'bad' }] },
    });
    const before = heapAfterCollection();
    const guest = await addGuest(context, { state: 'shutoff', memory: 64 });
    const bad = await call('POST', `/guests/${guest.id}/start`);
    const next = await call('POST', `/guests/${guest.id}/suspend`);
    const job = await finished(context, bad.jobId);
    t.is(job.Status, 'Error');
    t.regex(job.Message, message);
    t.is((await finished(context, next.jobId)).Status, 'Complete');
    const growth = heapAfterCollection() - before;
    t.true(growth < 32 * MB, `the heap grew by ${growth} bytes`);
  });
