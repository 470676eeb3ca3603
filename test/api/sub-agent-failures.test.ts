import test, { type ExecutionContext } from 'ava';
import { addGuest, finished } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import { refusingPort } from '../helpers/ports.js';
import { serveFixed, serveRpc, serveTcp } from '../helpers/raw-service.js';

/** Serves an API whose start and cpuMetrics actions call the service on a port. */
const withService = (t: ExecutionContext, port: number, timeout = 5): Promise<Api> =>
  serveApi(t, {
    services: { bad: { port, timeout } },
    actions: { start: [{ service: 'bad' }], cpuMetrics: [{ service: 'bad' }] },
  });

const FAILURES: Record<
  string,
  [status: number, message: RegExp, serve: (t: ExecutionContext) => Promise<number>]
> = {
  garbage: [502, /not JSON/, (t) => serveFixed(t, 200, 'garbage')],
  'an HTML page': [502, /not JSON/, (t) => serveFixed(t, 200, '<html></html>')],
  'HTTP 500': [502, /bad: it broke/, (t) => serveFixed(t, 500, 'it broke')],
  "another call's id": [
    502,
    /another call/,
    (t) => serveRpc(t, ({ id }) => ({ result: {}, error: null, id: id + 1 })),
  ],
  'an error': [
    502,
    /bad: no memory/,
    (t) => serveRpc(t, ({ id }) => ({ result: null, error: 'no memory', id })),
  ],
  'bytes that are not HTTP': [502, /bad: /, (t) => serveTcp(t, (socket) => socket.write('SSH-2.0-x\r\n'))],
  'a full storage': [
    507,
    /^no space left/,
    (t) =>
      serveRpc(t, ({ id }) => ({ result: null, error: 'no space left on the pool', kind: 'no_space', id })),
  ],
  '"not found"': [
    404,
    /domain x: not found/,
    (t) => serveRpc(t, ({ id }) => ({ result: null, error: 'domain x: not found', id })),
  ],
  'a closed connection': [
    503,
    /cannot be reached/,
    (t) => serveTcp(t, (socket) => socket.once('data', () => socket.destroy())),
  ],
  'a refused connection': [503, /ECONNREFUSED/, refusingPort],
  silence: [504, /no response to Test\.\w+ within 0\.1 s/, (t) => serveTcp(t, () => {})],
};

for (const [what, [status, message, serve]] of Object.entries(FAILURES)) {
  test(`an info action whose service sends ${what} responds with ${status}`, async (t) => {
    const { call, context } = await withService(t, await serve(t), what === 'silence' ? 0.1 : 5);
    const { id } = await addGuest(context);
    const response = await call('GET', `/guests/${id}/metrics/cpu`);
    t.is(response.status, status);
    t.regex((response.body as { message: string }).message, message);
    t.is(response.headers.get('retry-after'), status === 503 ? '2' : null);
  });

  test(`an async action whose service sends ${what} ends in Error and leaves the guest unchanged`, async (t) => {
    const { call, context } = await withService(t, await serve(t), what === 'silence' ? 0.1 : 5);
    const guest = await addGuest(context, { state: 'shutoff', memory: 64 });
    const { status: accepted, jobId } = await call('POST', `/guests/${guest.id}/start`);
    t.is(accepted, 202);
    const job = await finished(context, jobId);
    t.is(job.Status, 'Error');
    t.regex(job.Message, message);
    t.deepEqual((await call('GET', `/guests/${guest.id}`)).body, guest as never);
    t.is((await call('POST', `/guests/${guest.id}/suspend`)).status, 202);
  });
}
