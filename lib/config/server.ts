import Joi from 'joi';
import { type Grant, grantsOfScope, SCOPES, type Scope } from '../model/rights.js';
import { grantSchema } from '../model/rights-schemas.js';
import { MAX_SOCKET_PATH } from '../rpc/protocol/service-address.js';

const AUTH_METHODS = ['token', 'certificate'] as const;
type AuthMethod = (typeof AUTH_METHODS)[number];

/** Paths of files in PEM. */
export interface TlsConfig {
  cert: string;
  key: string;
  /** The authorities that sign the certificates of clients. */
  client_ca?: string;
}

/** How the API is served. */
export interface ServerConfig {
  /** How clients authenticate; each needs one of these. When absent, the agent serves loopback only. */
  auth?: AuthMethod[];
  tls?: TlsConfig;
  /** What each client certificate permits, by the common name of its subject. */
  certificates?: Record<string, Grant[]>;
  /** A unix socket in addition to the address. */
  socket?: { path: string; mode: number };
  /** Requests per second and client; unlimited when absent. */
  rate_limit?: number;
  /** Whether a GET on an action performs it, as in the original agent; `true` when absent. */
  get_actions?: boolean;
  /** Whether each guest's name is unique on the host; `true` when absent. */
  unique_names?: boolean;
}

const pemFile = (content: string): Joi.StringSchema => Joi.string().description(`${content}, a file in PEM`);

const parseMode: Joi.CustomValidator<string, number> = (text) => Number.parseInt(text, 8);

const parseScope: Joi.CustomValidator<Scope, Grant[]> = (scope) => grantsOfScope(scope);

/** What a client may do: a scope, or grants. */
export const grantsSchema = Joi.alternatives(
  Joi.string()
    .valid(...SCOPES)
    .custom(parseScope),
  Joi.array().items(grantSchema).min(1),
);

export const serverSchema = Joi.object<ServerConfig>({
  auth: Joi.array()
    .items(Joi.string().valid(...AUTH_METHODS))
    .min(1)
    .unique()
    .description('How clients authenticate; required on any address but loopback'),
  tls: Joi.object<TlsConfig>({
    cert: pemFile('The certificate').required(),
    key: pemFile('The private key of the certificate').required(),
    client_ca: pemFile('The authorities that sign the certificates of clients'),
  }).description('Serves HTTPS; without it, the agent serves HTTP'),
  certificates: Joi.object()
    .pattern(Joi.string(), grantsSchema)
    .description('What each client certificate permits, by the common name of its subject'),
  socket: Joi.object({
    path: Joi.string().pattern(/^\//, 'be an absolute path').max(MAX_SOCKET_PATH).required(),
    mode: Joi.string()
      .pattern(/^0?[0-7]{3}$/, 'be an octal mode such as 0660')
      .custom(parseMode)
      .default(0o600)
      .description('The mode of the socket, in octal'),
  }).description('A unix socket in addition to the address'),
  rate_limit: Joi.number().positive().max(1_000_000).description('Requests per second and client'),
  get_actions: Joi.boolean().description(
    'Whether GET on an action, such as /guests/ID/start, performs it (the default), or only POST does',
  ),
  unique_names: Joi.boolean().description(
    'Whether a guest may not have the name (`metadata.name`) of another guest of the host (the default)',
  ),
});
