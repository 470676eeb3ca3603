import type { GuestSpec } from '../../client/index.js';
import { usageFailure } from '../failure.js';

/** The metadata keys by which a guest belongs to a pod file. */
export const PROJECT_KEY = 'compose.project';
export const SERVICE_KEY = 'compose.service';
/** What the guest was made of: see `fingerprint`. */
export const FINGERPRINT_KEY = 'compose.fingerprint';
/** The label by which a volume does. */
export const PROJECT_LABEL = 'compose.project';

/** One service of a pod file, as the body of a create. */
export interface PodService {
  name: string;
  spec: GuestSpec;
  /** The services that it needs, and whether they must be healthy before it starts. */
  needs: { service: string; healthy: boolean }[];
}

/** One volume of a pod file. */
export interface PodVolume {
  /** Its name on the host. */
  name: string;
  labels?: Record<string, string>;
  /** Whether it is not the pod file's own: it must exist, and stays. */
  external: boolean;
}

export interface Pod {
  project: string;
  /** Those that others need come first. */
  services: PodService[];
  volumes: PodVolume[];
}

/** A value of the file with its place in it, such as `services.web.ports[0]`. */
export interface Value {
  at: string;
  value: unknown;
}

/** Collects what a pod file has that the agent does not, so that all of it is named at once. */
export class Mistakes {
  readonly #found: string[] = [];

  add(at: string, mistake: string): void {
    this.#found.push(`${at}: ${mistake}`);
  }

  /** @throws {Failure} when there are any */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    throw usageFailure(
      `the pod file has what is not supported:\n  ${this.#found.join('\n  ')}`,
      'Nothing was changed. docs/containers.md lists what is supported.',
    );
  }
}
