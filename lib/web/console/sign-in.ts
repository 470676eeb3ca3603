import { get } from './api.js';
import { field, formDialog } from './dialogs.js';
import { h } from './dom.js';
import { forgetToken, keepToken } from './session.js';

let asking: Promise<boolean> | undefined;

const ask = (reason: string): Promise<boolean> => {
  const input = h('input', {
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    autofocus: true,
  });
  const remember = h('input', { type: 'checkbox' });
  return formDialog({
    title: 'Sign in',
    action: 'Sign in',
    isOptional: false,
    content: [
      h('p', {}, `This agent wants a token: ${reason}.`),
      field('Token', input, 'One is made on the host: mistify token create me --scope operate'),
      h('label', { class: 'check' }, remember, 'Remember it on this device'),
    ],
    isComplete: () => input.value.trim() !== '',
    submit: async () => {
      keepToken(input.value.trim(), remember.checked);
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
