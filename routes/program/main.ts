import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Server } from '@hapi/hapi';
import { type Agent, startAgent } from '../../lib/agent/agent.js';
import { TokenRegistry } from '../../lib/auth/token-registry.js';
import { type Config, ConfigError, DEFAULT_CONFIG, loadConfig } from '../../lib/config/load.js';
import type { ServerConfig } from '../../lib/config/server.js';
import { errorMessage, isErrno } from '../../lib/errors.js';
import { packageRoot } from '../../lib/files/package-root.js';
import { startOnSocket } from '../../lib/http/private-socket.js';
import { createLogger, type Logger } from '../../lib/log.js';
import { stopPretenuring } from '../../lib/pretenuring.js';
import { removeStaleSocket } from '../../lib/rpc/protocol/service-address.js';
import { accessTo, SOCKET } from '../../lib/server/access.js';
import { createServer, type Endpoint } from '../../lib/server/server.js';
import { readTls, reloadTls } from '../../lib/server/tls.js';
import { unoptimized } from '../../lib/unoptimized.js';
import { pages } from '../pages.js';
import { routeTable } from '../table.js';
import { type Address, formatAddress } from './address.js';
import { commandLine, DEFAULT_ADDRESS, type Options } from './command-line.js';

/** The flags by which the demo finds this agent, when it is not where the demo looks by itself. */
const demoFlags = (address: string, configFile: readonly string[]): string => {
  const flags = [
    ...(address === DEFAULT_ADDRESS ? [] : ['-a', address]),
    ...(configFile.length === 1 && configFile[0] === DEFAULT_CONFIG
      ? []
      : configFile.flatMap((path) => ['-c', path])),
  ];
  return flags.length === 0 ? '' : ` -- ${flags.join(' ')}`;
};

/** The demo is no part of the package that is installed. */
const HAS_DEMO = existsSync(join(packageRoot, 'scripts'));

const whatNext = (url: string, address: string, { auth }: ServerConfig, configFile: readonly string[]) => {
  const token = auth?.includes('token') ? ' -H "Authorization: Bearer $TOKEN"' : '';
  const demo = `Or, in another terminal, a whole guest's life: npm run demo${demoFlags(address, configFile)}\n`;
  return `Mistify Agent listens on ${url}
In a browser: ${url}/
By hand: curl${token} ${url}/guests
${HAS_DEMO ? demo : ''}Ctrl-C stops the agent; guests keep running.
`;
};

/** Builds the TCP endpoint of the config and the command line. Unsafe ones fail before anything is started. */
const endpointAt = async (address: Address, { server, dbpath }: Config, log: Logger): Promise<Endpoint> => ({
  listen: address,
  access: await accessTo(address.host, server, new TokenRegistry(dbpath, log)),
  tls: server.tls && (await readTls(server.tls)),
  rateLimit: server.rate_limit,
});

/** hapi looks at each route with schemas of its own. */
const prepareServer = ({ context }: Agent, endpoint: Endpoint): Promise<Server> =>
  unoptimized(() => createServer({ routes: routeTable, pages, context, endpoint }));

const serveSocket = async (agent: Agent, { server: { socket } }: Config): Promise<Server | undefined> => {
  if (!socket) return undefined;
  const server = await prepareServer(agent, { listen: { socket: socket.path }, access: SOCKET });
  await removeStaleSocket({ socket: socket.path });
  await startOnSocket(server, socket.mode);
  await chmod(socket.path, socket.mode);
  return server;
};

const runningJobs = ({ context }: Agent): { job: string; action: string; guest: string }[] =>
  context.jobs
    .list()
    .filter(({ Status }) => Status === 'Running')
    .map(({ ID: job, Action: action, GuestID: guest }) => ({ job, action, guest }));

const serve = async ({ address, logLevel, configFile, drainTimeout }: Options): Promise<void> => {
  const log = createLogger('agent', logLevel);
  const config = await unoptimized(() => loadConfig(configFile));
  for (const warning of config.warnings) log.warn(warning);
  const endpoint = await endpointAt(address, config, log);
  const agent = await startAgent(config, log);
  const server = await prepareServer(agent, endpoint);
  const servers = [server];
  const stop = async (): Promise<void> => {
    const jobs = runningJobs(agent);
    log.info(
      { seconds: drainTimeout, jobs },
      'stopping: no new actions; jobs that run get time; guests keep running',
    );
    await agent.drain(drainTimeout * 1000);
    const left = runningJobs(agent);
    if (left.length > 0) log.warn({ jobs: left }, 'jobs that still run are left to the next start');
    await Promise.all(servers.map((each) => each.stop()));
    await agent.stop();
    log.info('stopped');
    process.exit(0);
  };
  try {
    await server.start();
    const onSocket = await serveSocket(agent, config);
    if (onSocket) servers.push(onSocket);
  } catch (error) {
    await agent.stop();
    throw error;
  }
  if (config.server.tls) reloadTls(server.listener as never, config.server.tls, log);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
  const listening = formatAddress({ host: address.host, port: Number(server.info.port) });
  log.info({ address: listening, dbpath: config.dbpath }, 'the agent listens');
  const url = `${server.info.protocol}://${listening}`;
  process.stderr.write(whatNext(url, listening, config.server, configFile));
};

/**
 * Runs the agent until it is told to stop. What keeps it from starting is told in words, with
 * exit code 1.
 */
export const main = async (argv: readonly string[]): Promise<void> => {
  stopPretenuring();
  try {
    await commandLine(serve).parseAsync(argv, { from: 'user' });
  } catch (error) {
    const hint = isErrno(error, 'EADDRINUSE') ? ': choose another with -a' : '';
    const text =
      error instanceof ConfigError ? error.message : `mistify-agent: ${errorMessage(error)}${hint}`;
    process.stderr.write(`${text}\n`);
    process.exit(1);
  }
};
