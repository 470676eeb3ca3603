import { FAULTS } from './faults.js';
import { Owner } from './owner.js';
import type { Scenario } from './rounds.js';
import { compare } from './truth.js';

/** Clients create, change and delete guests. */
export const GUESTS: Scenario<Owner> = {
  makeClient: (world, totals) => new Owner(world, totals),
  faults: FAULTS,
  pauseMs: 1500,
  compare,
};
