import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { watchForHang } from '../../../../lib/agent/sub-agents/hang-watch.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

/** Watches a sub-agent that handles health calls in one way. */
const watch = async (t: ExecutionContext, limitMs: number, handle: RequestListener) => {
  const socket = join(await tempDir(t), 's');
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const exited = new AbortController();
  let answers = 0;
  let hangs: boolean | undefined;
  const endpoint = { address: { socket }, secret: undefined };
  const ended = watchForHang(endpoint, limitMs, exited.signal, () => {
    answers += 1;
  }).then((isHanging) => {
    hangs = isHanging;
  });
  t.teardown(async () => {
    exited.abort();
    await ended;
    server.closeAllConnections();
    server.close();
  });
  return { answers: () => answers, hangs: () => hangs, exit: () => exited.abort() };
};

test('counts any response as an answer', async (t) => {
  const { answers, hangs, exit } = await watch(t, 2000, (_, response) => response.writeHead(404).end());
  await until('it answered two calls', () => answers() >= 2);
  t.is(hangs(), undefined);
  exit();
  await until('the watch ends', () => hangs() === false);
});

test('does not take a sub-agent that has never answered for one that hangs', async (t) => {
  let calls = 0;
  const { hangs } = await watch(t, 20, ({ socket }) => {
    calls += 1;
    socket.destroy();
  });
  await until('five calls had no answer', () => calls >= 5);
  t.is(hangs(), undefined);
});

test('takes a sub-agent for one that hangs after two calls without an answer', async (t) => {
  let isStuck = false;
  let unanswered = 0;
  const { answers, hangs } = await watch(t, 1000, (_, response) => {
    if (isStuck) unanswered += 1;
    else response.end();
  });
  await until('it has answered', () => answers() > 0);
  isStuck = true;
  await until('it hangs', () => hangs());
  t.true(unanswered >= 2, `${unanswered}`);
});

test('forgives one call without an answer', async (t) => {
  let calls = 0;
  const { answers, hangs } = await watch(t, 2000, ({ socket }, response) => {
    calls += 1;
    if (calls === 2) socket.destroy();
    else response.end();
  });
  await until('it answered again', () => answers() >= 3);
  t.is(hangs(), undefined);
});
