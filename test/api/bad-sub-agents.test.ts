import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { heapAfterCollection } from '../helpers/heap.js';
import { refusingPort } from '../helpers/ports.js';
import { serveFixed, serveRaw, serveRpc, serveTcp } from '../helpers/raw-service.js';

const MB = 2 ** 20;
/** Seconds that a call may take: long enough for the huge answers to be refused for their size. */
const TIMEOUT = 3;

/** Writes the same again and again, as fast as it is read or every so many milliseconds, until the agent hangs up. */
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

/** Serves what answers any request with this head and then does something with the connection. */
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

/** Each with what its job then says. */
const BEHAVIOURS: Record<string, [serve: (t: ExecutionContext) => Promise<number>, message: RegExp]> = {
  'takes no connections': [refusingPort, /cannot be reached/],
  'never answers': [(t) => serveTcp(t, (socket) => socket.resume()), /no response to Test.start within/],
  'never reads what it is asked': [(t) => serveTcp(t, (socket) => socket.pause()), /no response/],
  'hangs up at once': [(t) => serveTcp(t, (socket) => socket.destroy()), /cannot be reached/],
  'dies in the middle of its answer': [
    (t) => serveHead(t, `${OK}Content-Length: 1000\r\n\r\n{"result":`, (socket) => socket.destroy()),
    /bad: /,
  ],
  'stops in the middle of its answer': [
    (t) => serveHead(t, `${OK}Content-Length: 1000\r\n\r\n{"result":`, () => {}),
    /no response/,
  ],
  'answers half of the JSON': [(t) => serveFixed(t, 200, '{"result":{"guest":{"id"'), /not JSON/],
  'answers a byte now and then, for ever': [
    (t) => serveHead(t, CHUNKED, (socket) => writeForEver(socket, chunk(' '), 20)),
    /no response/,
  ],
  'answers without an end': [
    (t) => serveHead(t, CHUNKED, (socket) => writeForEver(socket, chunk(' '.repeat(MB)))),
    /bad: .*(has more than 67108864 bytes|no response)/,
  ],
  'announces a huge answer': [(t) => serveHead(t, `${OK}Content-Length: 1e12\r\n\r\n`, () => {}), /bad: /],
  'sends headers without an end': [
    (t) => serveHead(t, OK, (socket) => writeForEver(socket, `x: ${'y'.repeat(1000)}\r\n`)),
    /bad: /,
  ],
  'only ever says that it goes on': [
    (t) => serveTcp(t, (socket) => writeForEver(socket.resume(), 'HTTP/1.1 100 Continue\r\n\r\n', 20)),
    /bad: /,
  ],
  'answers garbage': [(t) => serveTcp(t, (socket) => socket.end('\0\x01\x02garbage\r\n\r\n')), /bad: /],
  'answers an HTML page': [
    (t) =>
      serveRaw(t, (_, response) => {
        response.setHeader('Content-Type', 'text/html').end('<html></html>');
      }),
    /not JSON/,
  ],
  'sends the agent elsewhere': [
    (t) =>
      serveRaw(t, (_, response) => {
        response.writeHead(307, { Location: 'http://127.0.0.1:9/' }).end();
      }),
    /not JSON/,
  ],
  'answers HTTP 503': [(t) => serveFixed(t, 503, 'busy'), /bad: busy/],
  "answers another call's id": [
    (t) => serveRpc(t, ({ id }) => ({ result: {}, error: null, id: id + 1 })),
    /another call/,
  ],
  'answers about another guest': [
    (t) => serveRpc(t, answerAbout({ id: '00000000-0000-4000-8000-000000000000' })),
    /has guest .*, expected/,
  ],
  'answers about no guest': [(t) => serveRpc(t, answerAbout(null)), /has no guest/],
  'answers a guest that is none': [
    (t) => serveRpc(t, ({ id, params }) => answerAbout({ id: params[0].guest, memory: 'x' })({ id })),
    /malformed guest/,
  ],
  'wants to be asked again for ever': [
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
  test.serial(
    `a sub-agent that ${what} costs its job alone: it ends, and the guest's next action runs`,
    async (t) => {
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
    },
  );
