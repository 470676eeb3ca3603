const KEY = 'mistify.token';
const READ_ONLY = 'mistify.read-only';

/** The token of who is signed in; absent where none is needed. */
export const token = (): string | undefined =>
  sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined;

/** @param remember on this device, also when the browser is closed */
export const keepToken = (value: string, remember: boolean): void => {
  forgetToken();
  (remember ? localStorage : sessionStorage).setItem(KEY, value);
};

export const forgetToken = (): void => {
  for (const storage of [sessionStorage, localStorage]) storage.removeItem(KEY);
  sessionStorage.removeItem(READ_ONLY);
};

/** Whether the agent has refused a change for the scope of the token. */
export const isReadOnly = (): boolean => sessionStorage.getItem(READ_ONLY) !== null;

export const noteReadOnly = (): void => sessionStorage.setItem(READ_ONLY, '');

/** RFC 4648, 5: what may be the name of a WebSocket's subprotocol. */
const base64Url = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** Browsers can send no header with a WebSocket: the token goes as one of its subprotocols. */
export const consoleProtocols = (): string[] => {
  const value = token();
  return ['mistify.console', ...(value === undefined ? [] : [`mistify.token.${base64Url(value)}`])];
};
