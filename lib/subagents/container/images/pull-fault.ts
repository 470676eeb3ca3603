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
  [
    /x509: /,
    'has a certificate that the engine does not trust: put that of its authority into /etc/docker/certs.d/REGISTRY/ca.crt, which Docker and Podman read',
  ],
  [/toomanyrequests/, 'limits how often this host may pull: log in to it, or wait'],
];

/** How registries refuse a pull without credentials, or with wrong ones. */
const NOT_ALLOWED =
  /unauthorized|authentication required|no basic auth credentials|requested access to the resource is denied/i;

/** Describes why an image cannot be pulled, with its registry. Keeps the kind of a refusal. */
export const pullFailure = (id: string, error: unknown, credentialsPath: string): Error => {
  const about = `image ${id} cannot be pulled`;
  const said = errorMessage(error);
  const [registry = ''] = parseImageName(id).repository.split('/');
  if (NOT_ALLOWED.test(said))
    return new Refusal(
      'not_found',
      `${about}: registry ${registry} has no such image, or gives it to nobody without the right credentials: as root, run podman login --authfile ${credentialsPath} ${registry}`,
      { cause: error },
    );
  const [, fault] = FAULTS.find(([words]) => words.test(said)) ?? [];
  if (!fault || error instanceof Refusal || error instanceof NoEngineError) return failureIn(about, error);
  return failureIn(
    about,
    new Error(`registry ${registry} ${fault.replace('REGISTRY', registry)} (the engine says: ${said})`, {
      cause: error,
    }),
  );
};
