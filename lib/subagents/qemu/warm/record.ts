import { join } from 'node:path';
import type { Warm } from '../../../model/warm.js';
import type { Hardware } from '../checkpoint/hardware-changes.js';
import type { GuestPaths } from '../layout.js';

/** What is known of a template's memory, with which its clones resume. */
export interface WarmRecord extends Warm {
  /** The bytes of the file with the state of its devices. */
  bytes: number;
  /** The hardware that the state of the devices belongs to. It has no NICs. */
  hardware: Hardware;
  /** The generation of the template's disks; absent when they were never rolled back. */
  generation?: string | undefined;
  /** How many starts of clones have failed with it. */
  failures: number;
}

/** The template whose memory the first start of a guest resumes with. */
export interface WarmSource {
  template: string;
  /** The `id` of its `WarmRecord`. */
  warm: string;
}

/** The memory of a template that a guest runs with. */
export interface Resumption extends WarmSource {
  /** MB of it that the host has in memory, once for all clones. */
  size: number;
  /** When it was saved, in milliseconds since 1970. */
  at: number;
  /** Whether the guest must respond by a guest agent, as its template did. */
  mustRespond: boolean;
  /** Whether the guest has its own identity by now, as far as it can have one. */
  isSettled: boolean;
}

export interface WarmFiles {
  dir: string;
  /** The template's memory, as large as it. */
  ram: string;
  /** The state of its devices. */
  state: string;
}

export const warmFiles = ({ stateDir }: Pick<GuestPaths, 'stateDir'>): WarmFiles => {
  const dir = join(stateDir, 'warm');
  return { dir, ram: join(dir, 'ram'), state: join(dir, 'state') };
};

/** The part of it that the agent and its clients see. */
export const toldWarm = ({
  bytes: _bytes,
  hardware: _hardware,
  generation: _generation,
  failures: _failures,
  ...warm
}: WarmRecord): Warm => warm;
