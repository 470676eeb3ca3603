import { DEFAULT_CONFIG, DEMO_CONFIG } from '../../lib/config/load.js';
import type { ServerConfig } from '../../lib/config/server.js';
import { DEFAULT_ADDRESS } from './command-line.js';

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

/** An agent that listens, as the welcome describes it. */
export interface Listening {
  url: string;
  /** `HOST:PORT`. */
  address: string;
  server: Pick<ServerConfig, 'auth'>;
  configFile: readonly string[];
  /** Whether the demo can be run. */
  hasDemo: boolean;
}

/** Tells the person who started the agent how to reach it. */
export const welcomeText = ({ url, address, server, configFile, hasDemo }: Listening): string => {
  const token = server.auth?.includes('token') ? ' -H "Authorization: Bearer $TOKEN"' : '';
  const demo = `Or, in another terminal, run a guest through its whole life: npm run demo${demoOptions(address, configFile)}\n`;
  return `Mistify Agent listens on ${url}
In a browser: ${url}/
In a terminal: curl${token} ${url}/guests
${hasDemo ? demo : ''}Ctrl-C stops the agent; guests keep running.
`;
};
