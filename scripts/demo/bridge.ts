import { execa } from 'execa';

/** A network for the demo's guest, and how to take it down again. */
export interface DemoNetwork {
  /** A bridge, or `user` for user-mode networking. */
  name: string;
  remove(): Promise<void>;
}

const userMode: DemoNetwork = { name: 'user', remove: async () => {} };

/** A bridge of its own when this user may make one, else user-mode networking, which needs no rights. */
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
