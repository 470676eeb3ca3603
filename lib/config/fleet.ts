import Joi from 'joi';

/** The fleet that the host belongs to; it belongs to none without this part of the config. */
export interface FleetConfig {
  /** The name of the fleet: several may share an etcd. */
  name?: string;
  /** The client URLs of etcd's members. */
  endpoints?: string[];
  /** Paths of PEM files: the authority of etcd's members, and the agent's own certificate and key. */
  tls?: { ca: string; cert: string; key: string };
  /** The name of this host; its host name by default. */
  host?: string;
  /** The URL at which other agents reach this one. */
  address?: string;
  labels?: Record<string, string>;
}

const word = Joi.string().pattern(
  /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/,
  'be a word of letters, digits, ".", "_" and "-"',
);

export const fleetSchema = Joi.object<FleetConfig>({
  name: word.description('The name of the fleet (`default` by default): several fleets may share an etcd'),
  endpoints: Joi.array()
    .items(Joi.string().uri({ scheme: ['http', 'https'] }))
    .min(1)
    .unique()
    .description("The client URLs of etcd's members")
    .example(['https://etcd-1:2379', 'https://etcd-2:2379', 'https://etcd-3:2379']),
  tls: Joi.object({
    ca: Joi.string()
      .required()
      .description("The authorities that sign the certificates of etcd's members, a file in PEM"),
    cert: Joi.string().required().description("The agent's certificate for etcd, a file in PEM"),
    key: Joi.string().required().description('The private key of the certificate, a file in PEM'),
  }).description('How the agent and etcd identify each other; required for https endpoints'),
  host: word.description('The name of this host in the fleet; its host name by default'),
  address: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .description('The URL at which other agents reach this one')
    .example('https://host-a:8443'),
  labels: Joi.object()
    .pattern(word, Joi.string().max(63).allow(''))
    .max(32)
    .description('What others may choose hosts by')
    .example({ rack: '4', disk: 'nvme' }),
});

/**
 * Checks what no key says alone.
 * @returns the problem, after the key of the part
 */
export const problemOfFleet = ({ endpoints, tls, ...rest }: FleetConfig): string | undefined => {
  if (endpoints === undefined)
    return Object.keys(rest).length === 0 && tls === undefined
      ? undefined
      : "fleet.endpoints is missing: list the client URLs of etcd's members";
  const isTls = endpoints.map((endpoint) => endpoint.startsWith('https:'));
  if (new Set(isTls).size > 1) return 'fleet.endpoints mixes http and https: use one of them';
  if (isTls[0] && tls === undefined) return 'fleet.tls is missing: https endpoints need it';
  if (!isTls[0] && tls !== undefined) return 'fleet.tls needs https endpoints';
  return undefined;
};
