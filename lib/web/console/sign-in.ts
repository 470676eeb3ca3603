import { get } from './api.js';
import { field, formDialog } from './dialogs.js';
import { h } from './dom.js';
import { forgetToken, keepToken, token } from './session.js';

/** What a header can carry. */
const TOKEN = /^[!-~]+$/;

let asking: Promise<boolean> | undefined;

const ask = (reason: string): Promise<boolean> => {
  const input = h('input', {
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    autofocus: true,
  });
  const remember = h('input', { type: 'checkbox' });
  const isRefused = token() !== undefined;
  return formDialog({
    title: 'Sign in',
    action: 'Sign in',
    isOptional: false,
    content: [
      h(
        'p',
        {},
        isRefused ? 'The token of this page is not good any more. ' : 'This agent asks for a token. ',
        'One is made on its host with:',
      ),
      h('code', {}, 'mistify token create NAME --scope operate'),
      /certificate/.test(reason) && h('p', {}, 'A client certificate does as well.'),
      field('Token', input),
      h('label', { class: 'check' }, remember, 'Remember it on this device'),
    ],
    isComplete: () => input.value.trim() !== '',
    submit: async () => {
      const value = input.value.trim();
      if (!TOKEN.test(value)) throw new Error('This is no token: one has Latin letters and digits only.');
      keepToken(value, remember.checked);
      try {
        await get('/guests?limit=1');
      } catch (error) {
        forgetToken();
        throw error;
      }
    },
  });
};

/** Asks for a token; once, whoever many requests were refused. */
export const signIn = (reason: string): Promise<boolean> => {
  asking ??= ask(reason).finally(() => {
    asking = undefined;
  });
  return asking;
};
