/** The port that a tap becomes when it joins a switch. */
export interface Port {
  tap: string;
  guestId: string;
  /** Empty: the switch's default. One: an access port. Several: a trunk of exactly these. */
  vlans: readonly number[];
}

/**
 * Whether a NIC asks for VLAN 1 alone. Clients of the original agent send it when no VLAN was chosen: it is the native VLAN,
 * whose frames are untagged on a network that knows no VLANs.
 */
export const isNativeVlan = (vlans: readonly number[]): boolean => vlans.length === 1 && vlans[0] === 1;

/** A switch that guests' NICs join: a Linux bridge or an Open vSwitch bridge. */
export interface Switch {
  /** Whether a port outlives its tap, and has to be removed by `SwitchKind.removePorts`. */
  readonly keepsPorts: boolean;
  /** Whether the switch accepts frames with an unfinished checksum or longer than the MTU. */
  readonly offload: boolean;
  /** @throws when the switch cannot keep these VLANs apart from others */
  checkVlans(vlans: readonly number[]): Promise<void>;
  /**
   * Joins a tap to the switch. The tap must exist and be down, so that it never receives another VLAN's frames.
   */
  addPort(port: Port): Promise<void>;
}

/** The service of a kind of switches does not run on this host now. */
export class NoServiceError extends Error {}

/** A technology that provides switches. */
export interface SwitchKind {
  /** As `Switch.keepsPorts`. */
  readonly keepsPorts: boolean;
  /** The kind's name in a list of networks. */
  readonly name: 'bridge' | 'openvswitch';
  /** Lists the names of all switches of this kind. */
  list(): Promise<string[]>;
  /** Resolves to `undefined` when no switch of this kind has that name. */
  find(name: string): Promise<Switch | undefined>;
  /**
   * Removes a guest's ports, except those that disappear with their tap. A guest without ports is no error.
   * @throws {NoServiceError} when the switches' service does not run
   */
  removePorts(guestId: string): Promise<void>;
  /**
   * Takes a tap off the switch of this kind that it is on. A tap on none is no error.
   * @throws {NoServiceError} when the switches' service does not run
   */
  detach(tap: string): Promise<void>;
}
