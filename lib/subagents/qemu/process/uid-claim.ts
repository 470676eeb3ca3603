import { contains, GUEST_UIDS, type UidRange } from '../../../process/guest-uids.js';
import type { HostRegistry } from '../../shared/host/registry.js';
import { overlap, uidsInUse } from '../../shared/host/uid-range.js';

/** The first range that the agents of a host share out: https://systemd.io/UIDS-GIDS, "unused", as all that follow. */
const FIRST: UidRange = { first: GUEST_UIDS.first, last: GUEST_UIDS.first + 65_535 };
const SIZE = FIRST.last - FIRST.first + 1;

function* ranges(): Generator<UidRange> {
  for (let { first, last } = FIRST; last <= GUEST_UIDS.last; first += SIZE, last += SIZE)
    yield { first, last };
}

const describe = ({ first, last }: UidRange): string => `${first}-${last}`;

/**
 * Returns a range of 65,536 uids that no other agent has.
 * @param recorded the uids that guests have already
 */
const freeRange = async (taken: readonly UidRange[], recorded: readonly number[]): Promise<UidRange> => {
  const free = [...ranges()].filter((range) => !taken.some((other) => overlap(range, other)));
  const own = free.find((range) => recorded.some((uid) => contains(range, uid)));
  if (own) return own;
  for (const range of free) if (!(await uidsInUse(range))) return range;
  throw new Error(
    'the agents of this host have claimed all uids for guests: remove the state of those that are gone',
  );
};

/**
 * Claims the uids of this sub-agent's guests; the same ones as before if it has any.
 * @param wanted the range of `--uid-range`
 * @param recorded the uids that guests have already
 * @throws when `wanted` overlaps with the range of another sub-agent
 */
export const claimUids = async (
  registry: HostRegistry,
  wanted: UidRange | undefined,
  recorded: readonly number[],
): Promise<UidRange> => {
  const { uids } = await registry.update(async (own, others) => {
    const other = others.find(({ uids }) => wanted && uids && overlap(uids, wanted));
    if (wanted && other)
      throw new Error(
        `--uid-range ${describe(wanted)} contains uids of another agent's guests (${other.dir} has ${describe(other.uids ?? wanted)}): choose another range, or leave the option out`,
      );
    const taken = others.flatMap(({ uids }) => uids ?? []);
    return { uids: wanted ?? own.uids ?? (await freeRange(taken, recorded)) };
  });
  return uids ?? FIRST;
};
