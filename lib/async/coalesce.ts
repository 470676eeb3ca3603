/**
 * Does a piece of work once for all who ask for it at the same time. Who asks while it is under way waits for the
 * next round: this one may have passed by what he knows to be there.
 */
export const coalesced = <Result>(work: () => Promise<Result>): (() => Promise<Result>) => {
  let underWay: Promise<Result> | undefined;
  let next: Promise<Result> | undefined;
  const ask = (): Promise<Result> => {
    if (!underWay) {
      underWay = work().finally(() => {
        underWay = undefined;
      });
      return underWay;
    }
    next ??= underWay
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return ask();
      });
    return next;
  };
  return ask;
};
