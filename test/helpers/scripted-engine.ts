import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { GuestStates } from '../../lib/rpc/server/guest-states.js';
import { containerName, GUEST_LABEL } from '../../lib/subagents/container/definition.js';
import { Engine } from '../../lib/subagents/container/engine.js';
import { Containers } from '../../lib/subagents/container/guests.js';
import { silentLog } from './sub-agents.js';
import { tempDir } from './temp.js';

interface ScriptedContainer {
  running: boolean;
  /** Of its first process. */
  pid?: number;
  labels?: Record<string, string>;
}

/** What speaks of the Docker Engine API what the sub-agent asks for. */
export interface ScriptedEngine {
  /** How a guest's container is each time that it is looked at; the last of them stays. */
  containers: Record<string, ScriptedContainer[]>;
  /** The status of the list of containers. */
  listStatus: number;
  /** The streams of events that were asked for. */
  streams: ServerResponse[];
  /** What was asked of containers, as `POST start`. */
  asked: string[];
}

const inspected = (looks: ScriptedContainer[]): object => {
  const {
    running,
    pid = 0,
    labels = {},
  } = (looks.length > 1 ? looks.shift() : looks[0]) ?? { running: false };
  return { State: { Running: running, Paused: false, Pid: pid }, Image: 'i', Config: { Labels: labels } };
};

const answerOf = (engine: ScriptedEngine, method: string, url: string): [number, unknown] => {
  const ids = Object.keys(engine.containers);
  if (url.startsWith('/_ping')) return [200, 'OK'];
  if (url.startsWith('/containers/json'))
    return [engine.listStatus, ids.map((id) => ({ Labels: { [GUEST_LABEL]: id } }))];
  const id = ids.find((each) => url.includes(`/${containerName(each)}/`));
  if (id === undefined) return [404, { message: 'no such container' }];
  if (url.endsWith('/json')) return [200, inspected(engine.containers[id] ?? [])];
  engine.asked.push(`${method} ${url.split('/').at(-1)}`);
  return [204, undefined];
};

const serveEngine = async (t: ExecutionContext, socket: string, engine: ScriptedEngine): Promise<void> => {
  const server = createServer(({ method = '', url: target = '' }, response) => {
    const [url = ''] = target.split('?');
    if (url.startsWith('/events')) {
      engine.streams.push(response);
      response.writeHead(200).flushHeaders();
      return;
    }
    const [status, body] = answerOf(engine, method, url);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
};

/** The containers of a scripted engine, as the sub-agent sees them. */
export const startScriptedEngine = async (
  t: ExecutionContext,
  guests: ScriptedEngine['containers'],
): Promise<{ engine: ScriptedEngine; containers: Containers }> => {
  const socket = join(await tempDir(t), 'engine.sock');
  const engine: ScriptedEngine = { containers: guests, listStatus: 200, streams: [], asked: [] };
  await serveEngine(t, socket, engine);
  return { engine, containers: new Containers(new Engine([socket]), new GuestStates(), silentLog) };
};
