import { execa } from 'execa';

/** A network for the demo's guest. */
export interface DemoNetwork {
  /** The name of a bridge, or `user` for user-mode networking. */
  name: string;
  remove(): Promise<void>;
}

const userMode: DemoNetwork = { name: 'user', remove: async () => {} };

/** Makes a bridge, or falls back to user-mode networking, which needs no privileges. */
export const makeNetwork = async (bridge: string): Promise<DemoNetwork> => {
  const ip = (...args: string[]): Promise<unknown> => execa('ip', args);
  try {
    await ip('link', 'add', bridge, 'type', 'bridge');
  } catch {
    return userMode;
  }
  await ip('link', 'set', bridge, 'up');
  return {
    name: bridge,
    remove: async () => {
      await ip('link', 'del', bridge);
    },
  };
};
