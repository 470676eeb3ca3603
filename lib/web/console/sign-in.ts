import { get } from './api.js';
import { field, formDialog } from './dialogs.js';
import { h } from './dom.js';
import { forgetToken, keepToken, token } from './session.js';

/** The characters that a token in a header may have (RFC 6750). */
const TOKEN = /^[!-~]+$/;

let dialog: Promise<boolean> | undefined;

const askForToken = (): Promise<boolean> => {
  const input = h('input', {
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    autofocus: true,
  });
  const remember = h('input', { type: 'checkbox' });
  const hadToken = token() !== undefined;
  return formDialog({
    title: 'Sign in',
    action: 'Sign in',
    isOptional: false,
    content: [
      h(
        'p',
        {},
        hadToken ? 'Your token is no longer valid. ' : 'This agent requires a token. ',
        'To create one, run on its host:',
      ),
      h('code', {}, 'mistify token create NAME --scope operate'),
      h(
        'p',
        {},
        'If the agent was started with a config file of its own, add ',
        h('code', {}, '-c FILE'),
        '.',
      ),
      location.protocol === 'https:' &&
        h('p', {}, 'If the agent accepts client certificates, one in your browser works too.'),
      field('Token', input),
      h('label', { class: 'check' }, remember, 'Remember on this device'),
    ],
    isComplete: () => input.value.trim() !== '',
    submit: async () => {
      const value = input.value.trim();
      if (!TOKEN.test(value)) throw new Error('This is not a token: tokens contain only ASCII characters.');
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

/** Asks for a token. Callers share one dialog, however many requests failed. */
export const signIn = (): Promise<boolean> => {
  dialog ??= askForToken().finally(() => {
    dialog = undefined;
  });
  return dialog;
};
