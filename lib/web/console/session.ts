const TOKEN_KEY = 'mistify.token';
const READ_ONLY_KEY = 'mistify.read-only';

/** The token that the user signed in with, if any. */
export const token = (): string | undefined =>
  sessionStorage.getItem(TOKEN_KEY) ?? localStorage.getItem(TOKEN_KEY) ?? undefined;

/** @param remember whether to keep the token on this device after the tab is closed */
export const keepToken = (value: string, remember: boolean): void => {
  forgetToken();
  (remember ? localStorage : sessionStorage).setItem(TOKEN_KEY, value);
};

export const forgetToken = (): void => {
  for (const storage of [sessionStorage, localStorage]) storage.removeItem(TOKEN_KEY);
  sessionStorage.removeItem(READ_ONLY_KEY);
};

/** Whether the agent has refused a request for lack of scope. */
export const isReadOnly = (): boolean => sessionStorage.getItem(READ_ONLY_KEY) !== null;

export const markReadOnly = (): void => sessionStorage.setItem(READ_ONLY_KEY, '');

/** Base64url (RFC 4648, section 5), whose characters a subprotocol name may have. */
const base64Url = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** The subprotocols of a console. One carries the token, because browsers cannot send headers with a WebSocket. */
export const consoleProtocols = (): string[] => {
  const value = token();
  return ['mistify.console', ...(value === undefined ? [] : [`mistify.token.${base64Url(value)}`])];
};
