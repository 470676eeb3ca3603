import { InvalidArgumentError } from 'commander';

export interface Address {
  host: string;
  /** 0 for any free one. */
  port: number;
}

const ADDRESS = /^(?<host>\[[0-9a-fA-F:.]+\]|[^:[\]]*):(?<port>\d{1,5})$/;

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT` or `:PORT`. Without a host it is loopback: to be reachable from elsewhere has to
 * be asked for.
 */
export const parseAddress = (text: string): Address => {
  const groups = ADDRESS.exec(text)?.groups;
  const port = Number(groups?.port);
  if (!groups || port > 65535) throw new InvalidArgumentError('give it as HOST:PORT or :PORT');
  const host = groups.host?.replace(/^\[|\]$/g, '');
  return { host: host || '127.0.0.1', port };
};

export const formatAddress = ({ host, port }: Address): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
