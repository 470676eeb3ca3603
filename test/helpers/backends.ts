import type { ExecutionContext, Implementation } from 'ava';
import type { TestStorage } from './storage.js';

/** The names of a store's contents. */
export interface Contents {
  images: string[];
  guests: string[];
  /** Unfinished or leftover files and datasets. */
  work: string[];
}

/** A back end, as the suites for every back end use it. */
export interface Backend {
  test: (title: string, implementation: Implementation<[]>) => void;
  /** Starts a storage sub-agent with an empty store. */
  start: (t: ExecutionContext) => Promise<TestStorage>;
  /** Replaces the storage sub-agent by another one with the same store. */
  startAgain: (t: ExecutionContext, storage: TestStorage) => Promise<TestStorage>;
  contents: (storage: TestStorage) => Promise<Contents>;
  /** Creates leftovers like those of a killed process. */
  litter: (storage: TestStorage) => Promise<void>;

  /** The expected `source` of one of the test guest's disks. */
  source: (storage: TestStorage, index: number) => string;
  /** Runs a command of qemu-io(1) on a disk that is not in use. */
  io: (source: string, command: string) => Promise<unknown>;
  imageIo: (storage: TestStorage, id: string, command: string) => Promise<unknown>;
  /** @throws when an image is damaged or differs from a raw file */
  compareImage: (storage: TestStorage, id: string, rawFile: string) => Promise<void>;
  /** Damages a disk so that `VerifyDisks` fails with `damageMessage`. */
  damage: (source: string) => Promise<void>;
  damageMessage: RegExp;

  /** Counts the processes or open files that read a disk for downloads. */
  readers: (storage: TestStorage, source: string) => Promise<number>;
  breakReaders: (storage: TestStorage, source: string) => Promise<void>;
}
