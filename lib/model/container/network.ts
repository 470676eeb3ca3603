/** A port of a container that its host forwards to it. */
export interface PublishedPort {
  /** The address of the host; all of them when absent. */
  hostAddress?: string;
  hostPort: number;
  /** The port in the container. */
  port: number;
  /** `tcp` when absent. */
  protocol?: 'tcp' | 'udp' | 'sctp';
}

/** What a container shares with others over networks of the engine, and what it knows of names. */
export interface ContainerNetwork {
  ports?: PublishedPort[];
  /** Names by which other containers on its engine networks reach it. */
  aliases?: string[];
  /** Addresses by name, for `/etc/hosts`. */
  extraHosts?: Record<string, string>;
  /** The addresses of its name servers. */
  dns?: string[];
  /** Domains in which it looks for short names. */
  dnsSearch?: string[];
}
