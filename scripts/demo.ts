import { join } from 'node:path';
import { Command } from 'commander';
import { connectionSettings } from '../lib/cli/settings.js';
import { MistifyClient } from '../lib/client/index.js';
import { DEFAULT_CONFIG, loadConfig } from '../lib/config/load.js';
import { errorMessage } from '../lib/errors.js';
import { makeNetwork } from './demo/bridge.js';
import { serveFile } from './demo/file-server.js';
import { GuestLife } from './demo/guest-life.js';
import { buildGuestImage } from './guest-image.js';

export interface DemoTarget {
  /** Base URL of an agent on this host. */
  url: string;
  /** The token that the agent requires, if any. */
  token?: string | undefined;
  /** The directory of the agent's state. */
  dbpath: string;
  /** The name of a bridge to make for the guest, if this user may make one. The demo removes it at the end. */
  bridge: string;
  say: (line: string) => void;
}

/**
 * Runs a guest through its whole life, by the API of an agent on this host.
 * @throws {Error} at the first step that fails, after the guest and its image are deleted
 */
export const runDemo = async ({ url, token, dbpath, bridge, say }: DemoTarget): Promise<void> => {
  const client = new MistifyClient({ url, token });
  await client.guests.list();
  say('building a tiny bootable Linux image, which takes a while the first time …');
  const image = await buildGuestImage();
  const files = await serveFile(image);
  const network = await makeNetwork(bridge);
  try {
    await new GuestLife({
      client,
      imageUrl: files.url,
      imageId: `demo-${process.pid}`,
      network: network.name,
      serialLog: (guestId) => join(dbpath, 'qemu', 'guests', guestId, 'serial.log'),
      say,
    }).live();
  } finally {
    files.close();
    await network.remove();
  }
};

const addPath = (path: string, earlier: string[] | undefined): string[] => [...(earlier ?? []), path];

const main = async (): Promise<void> => {
  const { address, configFile } = new Command('demo')
    .description('Runs a guest through its whole life, by the API of the agent that `npm start` runs')
    .option('-a, --address <address>', 'address of the agent', '127.0.0.1:8080')
    .option('-c, --config-file <path>', 'config file of the agent; may be repeated', addPath)
    .addHelpText(
      'after',
      '\nFor an agent that requires a token, set MISTIFY_TOKEN_FILE or MISTIFY_TOKEN, as for the mistify command line.',
    )
    .parse()
    .opts<{ address: string; configFile?: string[] }>();
  const startedAt = Date.now();
  const say = (line: string): void => {
    console.log(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  };
  try {
    const { dbpath } = await loadConfig(configFile ?? [DEFAULT_CONFIG]);
    const url = `http://${address}`;
    const { token } = connectionSettings({ url }, process.env);
    await runDemo({ url, token, dbpath, bridge: 'mistify-demo', say });
  } catch (error) {
    say(`the demo failed: ${errorMessage(error)}`);
    if (errorMessage(error).includes('cannot be reached'))
      say('Start the agent first, in another terminal: npm start');
    process.exitCode = 1;
  }
};

if (process.argv[1] === import.meta.filename) await main();
