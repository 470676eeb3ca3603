import type { EventsConfig, WebhookConfig } from '../../config/events.js';
import { AgentError, errorMessage } from '../../errors.js';
import { readSecretFile } from '../../files/secret-file.js';
import { createGuard } from '../../http/guard.js';
import { isNetwork, type Reachable } from '../../http/reachable.js';
import type { Receiver } from './post.js';

/** Whether the config lists the receiver's address itself, rather than a name that could resolve to any. */
const hasAddress = (url: string): boolean => {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || isNetwork(hostname.replace(/^\[|\]$/g, ''));
};

const readReceiver = async (hook: WebhookConfig, index: number, reachable: Reachable): Promise<Receiver> => {
  const { url, secret = '', secret_file: file } = hook;
  const guard = createGuard({ reachable, trusted: hasAddress(url) ? [url] : [] });
  if (file === undefined) return { url, secret, guard };
  const read = readSecretFile(file).catch((error: unknown) => {
    throw new AgentError('invalid', `events.webhooks[${index}].secret_file: ${errorMessage(error)}`);
  });
  return { url, secret: await read, guard };
};

/** The webhooks of the config, each with its URL and secret. */
export type Receivers = readonly (readonly [WebhookConfig, Receiver])[];

/** @throws {AgentError} `invalid` when a secret file cannot be used */
export const readReceivers = ({ webhooks = [] }: EventsConfig, reachable: Reachable): Promise<Receivers> =>
  Promise.all(
    webhooks.map(async (hook, index) => [hook, await readReceiver(hook, index, reachable)] as const),
  );
