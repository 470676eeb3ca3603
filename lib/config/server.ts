import Joi from 'joi';
import { SCOPES, type Scope } from '../model/principal.js';
import { MAX_SOCKET_PATH } from '../rpc/protocol/service-address.js';

export const AUTH_WAYS = ['token', 'certificate'] as const;
export type AuthWay = (typeof AUTH_WAYS)[number];

/** Files in PEM. */
export interface TlsConfig {
  cert: string;
  key: string;
  /** Authorities whose certificates clients may show. */
  client_ca?: string;
}

/** How the API is served. */
export interface ServerConfig {
  /** The ways in which clients say who they are; any of them will do. Without, loopback alone is served. */
  auth?: AuthWay[];
  tls?: TlsConfig;
  /** What the holders of certificates may do, by the common name of their subject. */
  certificates?: Record<string, Scope>;
  /** A unix socket beside the address. */
  socket?: { path: string; mode: number };
  /** Requests a second that one client may make; absent for any number. */
  rate_limit?: number;
}

const file = (what: string): Joi.StringSchema => Joi.string().description(`${what}, in PEM`);

const parseMode: Joi.CustomValidator<string, number> = (text) => Number.parseInt(text, 8);

export const serverSchema = Joi.object<ServerConfig>({
  auth: Joi.array()
    .items(Joi.string().valid(...AUTH_WAYS))
    .min(1)
    .unique()
    .description('How clients say who they are; needed on any address but loopback'),
  tls: Joi.object<TlsConfig>({
    cert: file('The certificate').required(),
    key: file('Its key').required(),
    client_ca: file("The authorities of the clients' certificates"),
  }).description('Files of the certificate; without it, HTTP'),
  certificates: Joi.object()
    .pattern(Joi.string(), Joi.string().valid(...SCOPES))
    .description('What the holders of certificates may do, by common name'),
  socket: Joi.object({
    path: Joi.string().pattern(/^\//, 'absolute path').max(MAX_SOCKET_PATH).required(),
    mode: Joi.string()
      .pattern(/^0?[0-7]{3}$/, 'octal mode (such as 0660)')
      .custom(parseMode)
      .default(0o600)
      .description('Who may connect, in octal'),
  }).description('A unix socket beside the address'),
  rate_limit: Joi.number().positive().max(1_000_000).description('Requests a second of one client'),
});
