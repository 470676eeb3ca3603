import { sendRequest } from './api.js';
import { h } from './dom.js';
import { token } from './session.js';

const save = (url: string, name: string): void => {
  const link = h('a', { href: url, download: name });
  link.click();
};

/** Downloads through a plain link, or through a blob if a token is needed, which a link cannot carry. */
export const download = async (target: string, name: string): Promise<void> => {
  if (token() === undefined) {
    save(target, name);
    return;
  }
  const url = URL.createObjectURL(await (await sendRequest('GET', target)).blob());
  save(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};
