import { errorMessage } from '../../../errors.js';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import { NoEngineError } from '../errors.js';
import { parseImageName } from './names.js';

/**
 * What engines say of a registry that they cannot talk to. The texts are those of Go's net/http, without a code. Podman 5
 * says nothing else, not even the registry.
 */
const FAULTS: readonly [RegExp, string][] = [
  [/connection refused/, 'refuses connections: check the name of the image, and that the registry runs'],
  [/no such host/, 'has no address: check the name of the image, and the DNS of this host'],
  [
    /i\/o timeout|Client\.Timeout|TLS handshake timeout|context deadline exceeded/,
    'does not respond: check the network of this host',
  ],
  [/network is unreachable|no route to host/, 'cannot be reached from this host: check its network'],
  [
    /server gave HTTP response to HTTPS client/,
    'does not use TLS, which the engine demands: list it as insecure in the configuration of the engine',
  ],
  [/x509: /, 'has a certificate that the engine does not trust: install its authority for the engine'],
  [/toomanyrequests/, 'limits how often this host may pull: log in to it, or wait'],
];

/** Describes why an image cannot be pulled, with its registry. Keeps the kind of a refusal. */
export const pullFailure = (id: string, error: unknown): Error => {
  const about = `image ${id} cannot be pulled`;
  const said = errorMessage(error);
  const [, fault] = FAULTS.find(([words]) => words.test(said)) ?? [];
  if (!fault || error instanceof Refusal || error instanceof NoEngineError) return failureIn(about, error);
  const registry = parseImageName(id).repository.split('/')[0];
  return failureIn(
    about,
    new Error(`registry ${registry} ${fault} (the engine says: ${said})`, { cause: error }),
  );
};
