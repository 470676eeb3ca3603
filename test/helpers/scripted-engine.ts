import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { GuestStates } from '../../lib/rpc/server/guest-states.js';
import { containerName, GUEST_LABEL } from '../../lib/subagents/container/definition.js';
import { Engine } from '../../lib/subagents/container/engine.js';
import { Guests } from '../../lib/subagents/container/guests.js';
import { HostRegistry } from '../../lib/subagents/shared/host/registry.js';
import { createNetworks } from '../../lib/subagents/shared/network/networks.js';
import { silentLog } from './sub-agents.js';
import { switchPorts } from './switch-ports.js';
import { tempDir } from './temp.js';

interface ScriptedContainer {
  running: boolean;
  /** Its name; by default the one that the sub-agent gives it. */
  name?: string;
  /** The `StartedAt` of its program; it has never run by default. */
  started?: string;
  /** The pid of its first process. */
  pid?: number;
  /** Those beside the label of its guest; `null` when it has none at all. */
  labels?: Record<string, string> | null;
  /** Whether it is removed while the engine inspects it. */
  vanishes?: boolean;
  paused?: boolean;
}

/** A server of the parts of the Docker Engine API that the sub-agent uses. */
export interface ScriptedEngine {
  /** The successive states of a guest's container, one per inspection; the last one stays. */
  containers: Record<string, ScriptedContainer[]>;
  /** The HTTP status for lists of containers. */
  listStatus: number;
  /** The failures of the next lists of containers or images, each with the `cause` that Podman gives. */
  listFailures: string[];
  /** Networks by the name or the id that they are asked by. */
  networks: Record<string, { Name: string; Driver: string; Subnet?: string }>;
  /** The open streams of events. */
  streams: ServerResponse[];
  /** Responses to requests for containers, such as `POST kill`; 204 for the others. */
  responses: Record<string, [number, unknown]>;
  /** What `Config` of each image has beside its command. */
  image: { Labels?: Record<string, string>; Volumes?: Record<string, object> };
  /** How many containers were inspected. */
  inspections: number;
  /** How many lists were read. */
  lists: number;
  /** The requests for containers, such as `POST start`, and `DELETE`. */
  requests: string[];
}

const engineId = (id: string): string => `id-${id}`;

const nameOf = (id: string, { name = containerName(id) }: ScriptedContainer): string => name;

const labelsOf = (id: string, { labels = {} }: ScriptedContainer): Record<string, string> =>
  labels === null ? {} : { [GUEST_LABEL]: id, ...labels };

const inspect = (id: string, states: ScriptedContainer[]): [number, unknown] => {
  const state = (states.length > 1 ? states.shift() : states[0]) ?? { running: false };
  const { running: Running, pid: Pid = 0, vanishes, paused: Paused = false, started = '' } = state;
  if (vanishes) return podmanFailure('no such container');
  return [
    200,
    {
      ...{ Id: engineId(id), Name: `/${nameOf(id, state)}`, Image: 'i' },
      State: { Running, Paused, Pid, StartedAt: started, FinishedAt: '' },
      Config: { Labels: labelsOf(id, state) },
      NetworkSettings: { Networks: {} },
    },
  ];
};

const podmanFailure = (cause: string): [number, unknown] => [500, { cause, message: `a list: ${cause}` }];

const list = (engine: ScriptedEngine, items: unknown[]): [number, unknown] => {
  engine.lists += 1;
  const cause = engine.listFailures.shift();
  return cause === undefined ? [engine.listStatus, items] : podmanFailure(cause);
};

const describeNetwork = ({ Subnet, ...network }: ScriptedEngine['networks'][string]): object => ({
  ...network,
  IPAM: { Config: Subnet ? [{ Subnet }] : null },
});

const inspectNetwork = ({ networks }: ScriptedEngine, name: string): [number, unknown] => {
  const network = networks[name];
  return network ? [200, describeNetwork(network)] : [404, { message: 'network not found' }];
};

const respondNetworks = (engine: ScriptedEngine, url: string): [number, unknown] =>
  url === '/networks'
    ? list(engine, Object.values(engine.networks).map(describeNetwork))
    : inspectNetwork(engine, url.slice('/networks/'.length));

/** Lists the containers that have a label, with `filters` of `ContainerList`. */
const listContainers = (engine: ScriptedEngine, query: URLSearchParams): [number, unknown] => {
  const { label: [wanted = ''] = [] } = JSON.parse(query.get('filters') ?? '{}') as { label?: string[] };
  const isListed = ([id, [state]]: [string, ScriptedContainer[]]): boolean =>
    state !== undefined &&
    Object.entries(labelsOf(id, state)).some(([key, value]) => [key, `${key}=${value}`].includes(wanted));
  const listed = Object.entries(engine.containers).filter((each) => wanted === '' || isListed(each));
  return list(
    engine,
    listed.map(([id, [state = { running: false }]]) => ({
      ...{ Id: engineId(id), Names: [`/${nameOf(id, state)}`], ImageID: 'i', Image: 'localhost/i:1' },
      Labels: labelsOf(id, state),
    })),
  );
};

const respondTo = (engine: ScriptedEngine, method: string, target: URL): [number, unknown] => {
  const url = target.pathname;
  if (url.startsWith('/_ping')) return [200, 'OK'];
  if (url.startsWith('/containers/json')) return listContainers(engine, target.searchParams);
  if (url.startsWith('/version')) return [200, { Components: [{ Name: 'Engine' }], ApiVersion: '1.51' }];
  if (url.startsWith('/networks')) return respondNetworks(engine, url);
  if (url === '/volumes') return [200, { Volumes: [] }];
  if (url.startsWith('/images/json'))
    return list(engine, [{ Id: 'i', RepoTags: ['localhost/i:1'], Size: 1 }]);
  if (url.startsWith('/images/'))
    return [200, { Id: 'i', RepoTags: ['localhost/i:1'], Size: 1, Config: { Cmd: ['sh'], ...engine.image } }];
  const request = method === 'DELETE' ? method : `${method} ${url.split('/').at(-1)}`;
  if (url.startsWith('/containers/create')) {
    engine.requests.push(request);
    return engine.responses[request] ?? [201, { Id: 'c' }];
  }
  const [, , name = ''] = url.split('/');
  const [id, states = []] =
    Object.entries(engine.containers).find(([each, [state]]) =>
      [engineId(each), nameOf(each, state ?? { running: false })].includes(name),
    ) ?? [];
  if (id === undefined) return [404, { message: 'no such container' }];
  engine.inspections += url.endsWith('/json') ? 1 : 0;
  if (url.endsWith('/json')) return inspect(id, states);
  engine.requests.push(request);
  return engine.responses[request] ?? [204, undefined];
};

const serveEngine = async (t: ExecutionContext, socket: string, engine: ScriptedEngine): Promise<void> => {
  const server = createServer(({ method = '', url: target = '' }, response) => {
    const url = new URL(target, 'http://engine');
    if (url.pathname.startsWith('/events')) {
      engine.streams.push(response);
      response.writeHead(200).flushHeaders();
      return;
    }
    const [status, body] = respondTo(engine, method, url);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
};

/**
 * Starts a scripted engine.
 * @returns it, and the sub-agent's view of its containers
 */
export const startScriptedEngine = async (
  t: ExecutionContext,
  containers: ScriptedEngine['containers'],
): Promise<{ engine: ScriptedEngine; guests: Guests }> => {
  const dir = await tempDir(t);
  const socket = join(dir, 'engine.sock');
  const engine: ScriptedEngine = {
    containers,
    listStatus: 200,
    listFailures: [],
    networks: {},
    streams: [],
    responses: {},
    image: {},
    inspections: 0,
    lists: 0,
    requests: [],
  };
  await serveEngine(t, socket, engine);
  const registry = await HostRegistry.open(join(dir, 'host'), 'container', join(dir, 'container'));
  t.teardown(() => registry.close());
  const ports = switchPorts(createNetworks(undefined, []), dir);
  return {
    engine,
    guests: new Guests({
      engine: new Engine([socket]),
      registry,
      states: new GuestStates(),
      ports,
      log: silentLog,
    }),
  };
};
