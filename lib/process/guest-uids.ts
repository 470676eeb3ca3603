/** Both inclusive. */
export interface UidRange {
  first: number;
  last: number;
}

export const contains = ({ first, last }: UidRange, uid: number): boolean => uid >= first && uid <= last;

/** The uids that the agents of a host share out to their guests: https://systemd.io/UIDS-GIDS, "unused". */
export const GUEST_UIDS: UidRange = { first: 2_000_000_000, last: 2_147_483_647 };
