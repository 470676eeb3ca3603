import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Server as TlsServer } from 'node:tls';
import type { Server } from '@hapi/hapi';
import { type Agent, startAgent } from '../../lib/agent/agent.js';
import { TokenRegistry } from '../../lib/auth/token-registry.js';
import { guestUids } from '../../lib/config/guest-uids.js';
import { type Config, ConfigError, DEFAULT_CONFIG, DEMO_CONFIG, loadConfig } from '../../lib/config/load.js';
import type { ServerConfig } from '../../lib/config/server.js';
import { errorMessage, isErrno } from '../../lib/errors.js';
import { removeListening, writeListening } from '../../lib/files/listening-file.js';
import { packageRoot } from '../../lib/files/package-root.js';
import { startOnSocket } from '../../lib/http/private-socket.js';
import { createLogger, type Logger } from '../../lib/log.js';
import { removeStaleSocket } from '../../lib/rpc/protocol/service-address.js';
import { accessTo, SOCKET } from '../../lib/server/access.js';
import { createServer, type Endpoint } from '../../lib/server/server.js';
import { readTls, reloadTls } from '../../lib/server/tls.js';
import { pages } from '../pages.js';
import { routeTable } from '../table.js';
import { type Address, formatAddress } from './address.js';
import { agentCommand, DEFAULT_ADDRESS, type Options } from './command-line.js';

/** Formats the options with which the demo finds this agent; empty when the demo's defaults fit. */
const demoOptions = (address: string, configFile: readonly string[]): string => {
  const options = [
    ...(address === DEFAULT_ADDRESS ? [] : ['-a', address]),
    ...(configFile.length === 1 && [DEFAULT_CONFIG, DEMO_CONFIG].includes(configFile[0] ?? '')
      ? []
      : configFile.flatMap((path) => ['-c', path])),
  ];
  return options.length === 0 ? '' : ` -- ${options.join(' ')}`;
};

/** Whether this is a checkout, which has the demo and `npm start`; the installed package has neither. */
const IS_CHECKOUT = existsSync(join(packageRoot, 'scripts'));

const NPM_START_HELP = `
Without -c, npm start uses config/demo.json: config/agent.json with loopback (127.0.0.1) in "private_addresses", so that
images can be fetched from this host too. With -c, only the files that you name count.`;

const welcomeText = (url: string, address: string, { auth }: ServerConfig, configFile: readonly string[]) => {
  const token = auth?.includes('token') ? ' -H "Authorization: Bearer $TOKEN"' : '';
  const demo = `Or, in another terminal, run a guest through its whole life: npm run demo${demoOptions(address, configFile)}\n`;
  return `Mistify Agent listens on ${url}
In a browser: ${url}/
In a terminal: curl${token} ${url}/guests
${IS_CHECKOUT ? demo : ''}Ctrl-C stops the agent; guests keep running.
`;
};

/** Builds the TCP endpoint of the config and the command line. Unsafe ones fail before anything is started. */
const endpointAt = async (
  address: Address,
  { server, services, dbpath }: Config,
  log: Logger,
): Promise<Endpoint> => ({
  listen: address,
  access: await accessTo(address.host, server, new TokenRegistry(dbpath, log)),
  tls: server.tls && (await readTls(server.tls)),
  rateLimit: server.rate_limit,
  getActions: server.get_actions,
  guestUids: guestUids(services),
});

const prepareServer = ({ context }: Agent, endpoint: Endpoint): Promise<Server> =>
  createServer({ routes: routeTable, pages, context, endpoint });

const serveSocket = async (
  agent: Agent,
  { server: { socket, get_actions: getActions } }: Config,
): Promise<Server | undefined> => {
  if (!socket) return undefined;
  const server = await prepareServer(agent, { listen: { socket: socket.path }, access: SOCKET, getActions });
  await removeStaleSocket({ socket: socket.path });
  await startOnSocket(server, socket.mode);
  return server;
};

const runningJobs = ({ context }: Agent): { job: string; action: string; guest: string }[] =>
  context.jobs
    .list()
    .filter(({ Status }) => Status === 'Running')
    .map(({ ID: job, Action: action, GuestID: guest }) => ({ job, action, guest }));

const serve = async ({ address, logLevel, configFile, drainTimeout }: Options): Promise<void> => {
  const log = createLogger('agent', logLevel);
  const config = await loadConfig(configFile);
  for (const warning of config.warnings) log.warn(warning);
  const endpoint = await endpointAt(address, config, log);
  const agent = await startAgent(config, log);
  const server = await prepareServer(agent, endpoint);
  const servers = [server];
  const stop = async (): Promise<void> => {
    const jobs = runningJobs(agent);
    log.info(
      { seconds: drainTimeout, jobs },
      'agent stopping: new actions are rejected, running jobs get time to finish, guests keep running',
    );
    await agent.drain(drainTimeout * 1000);
    const left = runningJobs(agent);
    if (left.length > 0) log.warn({ jobs: left }, 'jobs still running, left to the next start');
    await Promise.all(servers.map((each) => each.stop()));
    await removeListening(config.dbpath);
    await agent.stop();
    log.info('agent stopped');
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
  const { listener } = server;
  if (config.server.tls && listener instanceof TlsServer) reloadTls(listener, config.server.tls, log);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
  const listening = formatAddress({ host: address.host, port: Number(server.info.port) });
  log.info({ address: listening, dbpath: config.dbpath }, 'agent listening');
  const url = `${server.info.protocol}://${listening}`;
  const { socket } = config.server;
  await writeListening(config.dbpath, { url, ...(socket ? { socket: socket.path } : {}) }).catch(
    (err: unknown) =>
      log.warn({ err }, 'address not recorded: `mistify token` cannot tell whether its --url is this agent'),
  );
  process.stderr.write(welcomeText(url, listening, config.server, configFile));
};

/** Runs the agent until SIGINT or SIGTERM. When it cannot start, it prints why and exits with code 1. */
export const main = async (argv: readonly string[]): Promise<void> => {
  try {
    await agentCommand(serve)
      .addHelpText('after', IS_CHECKOUT ? NPM_START_HELP : '')
      .parseAsync(argv, { from: 'user' });
  } catch (error) {
    const hint = isErrno(error, 'EADDRINUSE') ? ': choose another address with -a' : '';
    const text =
      error instanceof ConfigError ? error.message : `mistify-agent: ${errorMessage(error)}${hint}`;
    process.stderr.write(`${text}\n`);
    process.exit(1);
  }
};
