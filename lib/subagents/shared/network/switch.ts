/** A tap that is to join a switch. */
export interface Port {
  tap: string;
  guestId: string;
  /** None: as the switch treats every port. One: an access port. Several: a trunk of these. */
  vlans: readonly number[];
}

/** What guests' nics join: a bridge of Linux, or one of Open vSwitch. */
export interface Switch {
  /** Whether frames may reach it with a checksum that is still to be filled in, or longer than the MTU. */
  readonly offload: boolean;
  /** @throws when it cannot keep VLANs apart */
  checkVlans(): Promise<void>;
  /** Joins a tap, which is there and down: what it does not belong to it must not hear, not even for a moment. */
  join(port: Port): Promise<void>;
}

/** One kind of switch. */
export interface SwitchKind {
  /** The switch of that name, `undefined` when there is none. */
  find(name: string): Promise<Switch | undefined>;
  /** Forgets a guest's ports; there may be none. What goes with the tap itself needs no work. */
  leave(guestId: string): Promise<void>;
}
