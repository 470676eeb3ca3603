import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startSubAgents } from '../../lib/agent/startup/start-sub-agents.js';
import { TokenRegistry } from '../../lib/auth/token-registry.js';
import { guestUids } from '../../lib/config/guest-uids.js';
import { type Config, ConfigError, loadConfig } from '../../lib/config/load.js';
import { errorMessage, isErrno } from '../../lib/errors.js';
import { packageRoot } from '../../lib/files/package-root.js';
import { createLogger, type Logger } from '../../lib/log.js';
import { accessTo } from '../../lib/server/access.js';
import type { Endpoint } from '../../lib/server/server.js';
import { readTls } from '../../lib/server/tls.js';
import type { Address } from './address.js';
import { agentCommand, type Options } from './command-line.js';

/** Whether this is a checkout, which has the demo and `npm start`; the installed package has neither. */
const IS_CHECKOUT = existsSync(join(packageRoot, 'scripts'));

const NPM_START_HELP = `
Without -c, npm start uses config/demo.json: config/agent.json with loopback (127.0.0.1) in "private_addresses", so that
images can be fetched from this host too. With -c, only the files that you name count.`;

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

/** Loads what serves requests only once the sub-agents are starting: that takes about as long as their start. */
const run = async (options: Options): Promise<void> => {
  const log = createLogger('agent', options.logLevel);
  const config = await loadConfig(options.configFile);
  for (const warning of config.warnings) log.warn(warning);
  const endpoint = await endpointAt(options.address, config, log);
  const subAgents = await startSubAgents(config, log);
  const { serve } = await import('./serve.js');
  await serve({ options, config, endpoint, subAgents, hasDemo: IS_CHECKOUT, log });
};

/** Runs the agent until SIGINT or SIGTERM. When it cannot start, it prints why and exits with code 1. */
export const main = async (argv: readonly string[]): Promise<void> => {
  try {
    await agentCommand(run)
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
