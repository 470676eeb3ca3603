import type { IncomingMessage } from 'node:http';
import test from 'ava';
import { execa } from 'execa';
import { environment, MISTIFY } from '../../helpers/command-line.js';
import { serveRaw } from '../../helpers/raw-service.js';
import { until } from '../../helpers/wait.js';

for (const [flags, line] of [
  [
    ['--json'],
    '{"id":"7","event":"guest","data":{"change":"changed","id":"a","guest":{"state":"running","metadata":{"name":"\\u009bweb"}}}}',
  ],
  [[], 'guest changed a \\x9bweb running'],
] as const)
  test.serial(`prints each event as an escaped line: events ${flags.join(' ')}`, async (t) => {
    const requests: IncomingMessage[] = [];
    const port = await serveRaw(t, (request, response) => {
      if (request.url?.startsWith('/guests')) {
        response.end('[{"id": "a", "metadata": {"name": "web"}}]');
        return;
      }
      requests.push(request);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        'id: 7\nevent: guest\ndata: {"change": "changed", "id": "a", "guest": {"state": "running", "metadata": {"name": "\u009bweb"}}}\n\n',
      );
    });
    const child = execa(process.execPath, [MISTIFY, 'events', '--kind', 'guest', '--after', '6', ...flags], {
      env: await environment(t, `http://127.0.0.1:${port}`),
      extendEnv: false,
      reject: false,
    });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    await until('the event is printed', () => output.includes('\n'));
    t.is(output, `${line}\n`);
    t.is(requests[0]?.url, '/events?kind=guest');
    t.is(requests[0]?.headers['last-event-id'], '6');
    child.kill('SIGINT');
    await child;
  });
