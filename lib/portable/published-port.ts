import type { PublishedPort } from '../model/container/network.js';

const PORT = /^(?:(\[[0-9a-f:.]+\]|[0-9.]+):)?(\d+):(\d+)(?:\/(tcp|udp|sctp))?$/i;

export const PORT_HINT = 'give HOST_PORT:PORT, as in 8080:80 or 192.0.2.1:53:53/udp';

/** Writes a port as `publishedPortOf` reads it. */
export const publishedPortText = ({ hostAddress, hostPort, port, protocol }: PublishedPort): string => {
  const address = hostAddress?.includes(':') ? `[${hostAddress}]` : hostAddress;
  return `${address ? `${address}:` : ''}${hostPort}:${port}${protocol ? `/${protocol}` : ''}`;
};

/** Reads `[ADDRESS:]HOST_PORT:PORT[/PROTOCOL]`; `undefined` for any other text. */
export const publishedPortOf = (text: string): PublishedPort | undefined => {
  const [, address, hostPort, port, protocol] = PORT.exec(text) ?? [];
  if (hostPort === undefined) return undefined;
  return {
    ...(address === undefined ? {} : { hostAddress: address.replace(/^\[|\]$/g, '') }),
    ...{ hostPort: Number(hostPort), port: Number(port) },
    ...(protocol === undefined ? {} : { protocol: protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp' }),
  };
};
