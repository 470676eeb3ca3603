import type { Step } from '../../shared/download/progress.js';

/** One message of the engine's progress stream: `JSONMessage` of the Docker Engine API. */
export interface EngineProgress {
  status?: string;
  stream?: string;
  id?: string;
  progressDetail?: { current?: number; total?: number };
  /** The reason why the engine failed. */
  error?: string;
}

/** The part of the work on a layer that its download is; the rest is its extraction. */
const DOWNLOAD = 0.9;

/** What part of a layer is done at the begin of each status, and how much more at its end. */
const STATUSES: Readonly<Record<string, readonly [done: number, more: number]>> = {
  'Pulling fs layer': [0, 0],
  Waiting: [0, 0],
  Downloading: [0, DOWNLOAD],
  'Verifying Checksum': [DOWNLOAD, 0],
  'Download complete': [DOWNLOAD, 0],
  Extracting: [DOWNLOAD, 1 - DOWNLOAD],
  'Pull complete': [1, 0],
  'Already exists': [1, 0],
};

interface Layer {
  /** From 0 to 1. */
  done: number;
  /** Bytes; Podman does not report those of every layer. */
  total?: number;
}

const mean = (numbers: readonly number[]): number =>
  numbers.length === 0 ? 1 : numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

/**
 * Sums the progress of an image's layers up. The engine names them as it comes to them, so the percentage of the whole
 * would fall: it stays where it is until the rest has caught up, and below 100 until the pull has ended.
 */
export class PullProgress {
  readonly #layers = new Map<string, Layer>();
  #percent = 0;

  /** Takes a message into account; returns the progress of the whole, `undefined` before the first layer. */
  add({
    status = '',
    id,
    progressDetail: { current = 0, total = 0 } = {},
  }: EngineProgress): Step | undefined {
    const part = STATUSES[status];
    if (part && id !== undefined) {
      const { done, total: known } = this.#layers.get(id) ?? { done: 0 };
      const [begun, more] = part;
      const now = total > 0 ? begun + more * Math.min(1, current / total) : begun;
      const size = total > 0 && status === 'Downloading' ? total : known;
      this.#layers.set(id, { done: Math.max(done, now), ...(size === undefined ? {} : { total: size }) });
    }
    return this.#layers.size === 0 ? undefined : this.#step();
  }

  #step(): Step {
    const layers = [...this.#layers.values()];
    const usual = mean(layers.flatMap(({ total }) => total ?? []));
    const weights = layers.map(({ total = usual }) => total);
    const done = layers.reduce((sum, layer, n) => sum + layer.done * (weights[n] ?? 0), 0);
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    this.#percent = Math.max(this.#percent, Math.min(99, Math.floor((100 * done) / all)));
    const ready = layers.filter((layer) => layer.done >= DOWNLOAD).length;
    return [`${ready} of ${layers.length} layers, ${this.#percent}%`, this.#percent];
  }
}
