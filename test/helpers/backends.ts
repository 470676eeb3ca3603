import type { ExecutionContext, Implementation } from 'ava';
import type { TestStorage } from './storage.js';

/** What is in a store, by name. */
export interface Contents {
  images: string[];
  guests: string[];
  /** What is being made, or was left. */
  work: string[];
}

/** A back end as the suites that all of them pass need to know it. */
export interface Backend {
  test: (title: string, implementation: Implementation<[]>) => void;
  /** A storage sub-agent with nothing in it. */
  start: (t: ExecutionContext) => Promise<TestStorage>;
  /** Another process's, over what the first one has. */
  startAgain: (t: ExecutionContext, storage: TestStorage) => Promise<TestStorage>;
  contents: (storage: TestStorage) => Promise<Contents>;
  /** Leaves what a process that is killed at work leaves. */
  litter: (storage: TestStorage) => Promise<void>;

  /** Where a disk of the test guest is to be. */
  source: (storage: TestStorage, index: number) => string;
  /** A command of qemu-io(1) on a disk that is not in use. */
  io: (source: string, command: string) => Promise<unknown>;
  imageIo: (storage: TestStorage, id: string, command: string) => Promise<unknown>;
  /** @throws when an image is not sound, or has not the content of a raw file */
  compareImage: (storage: TestStorage, id: string, rawFile: string) => Promise<void>;
  /** Damages a disk so that `VerifyDisks` must find it, in those words. */
  damage: (source: string) => Promise<void>;
  damageMessage: RegExp;

  /** How much is at work on downloads of a disk. */
  readers: (storage: TestStorage, source: string) => Promise<number>;
  breakReaders: (storage: TestStorage, source: string) => Promise<void>;
}
