import { InvalidArgumentError } from 'commander';

export interface Address {
  host: string;
  /** 0 for any free port. */
  port: number;
}

const ADDRESS = /^(?<host>\[[0-9a-fA-F:.]+\]|[^:[\]]*):(?<port>\d{1,5})$/;

/**
 * Parses `HOST:PORT`, `[IPv6]:PORT` or `:PORT`. Without a host, the address is on loopback: other hosts can reach the
 * agent only when the user says so.
 * @throws {InvalidArgumentError} for anything else
 */
export const parseAddress = (text: string): Address => {
  const groups = ADDRESS.exec(text)?.groups;
  const port = Number(groups?.port);
  if (!groups || port > 65535) throw new InvalidArgumentError('Give HOST:PORT, [IPv6]:PORT or :PORT.');
  const host = groups.host?.replace(/^\[|\]$/g, '');
  return { host: host || '127.0.0.1', port };
};

export const formatAddress = ({ host, port }: Address): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
