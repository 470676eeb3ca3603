import type { ContainerOptions } from '../../client/container-spec.js';
import type { Words } from '../../model/container/program.js';
import type { ContainerSpec } from '../../model/container/spec.js';
import { definedIn } from '../../portable/defined-in.js';
import { PORT_HINT, publishedPortOf, publishedPortText } from '../../portable/published-port.js';
import { field, group } from './dialogs.js';
import { h } from './dom.js';
import { checkbox, codeArea, filled, textIn, textInput } from './inputs.js';
import { mountRows } from './mount-rows.js';

/** The fields of what only a container has; hidden, they choose nothing. */
export interface ContainerFields {
  element: HTMLFieldSetElement;
  /** By the keys that the agent's messages quote. */
  inputs: ReadonlyMap<string, HTMLElement>;
  /** @throws {Error} that quotes the key, as the agent's messages do */
  options: () => ContainerOptions;
}

/** The keys of a container that have a field. */
export const FIELD_KEYS = [
  ...(['command', 'user', 'workingDir', 'ports', 'mounts', 'readOnly', 'env', 'secretEnv'] as const),
] satisfies readonly (keyof ContainerSpec)[];

/** Reads one NAME=VALUE a line. */
const variablesIn = (text: string, key: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const at = line.indexOf('=');
        if (at < 1) throw new Error(`"${key}" needs one NAME=VALUE a line`);
        return [line.slice(0, at).trim(), line.slice(at + 1)];
      }),
  );

const portsIn = (text: string): NonNullable<ContainerOptions['publish']> =>
  text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((each) => {
      const port = publishedPortOf(each);
      if (!port) throw new Error(`"ports" has ${each}: ${PORT_HINT}`);
      return port;
    });

/** Writes a command as its field shows it: an array of words stays one. */
const lineOf = (words: Words | undefined): string =>
  Array.isArray(words) ? JSON.stringify(words) : (words ?? '');

const variablesText = (env: Readonly<Record<string, string>> = {}): string =>
  Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');

/** @param spec what the container has; nothing for a new one */
export const containerFields = (spec: ContainerSpec = {}): ContainerFields => {
  const command = textInput({
    ...{ value: lineOf(spec.command), placeholder: 'nginx -g "daemon off;"', class: 'mono' },
  });
  const user = textInput({ value: spec.user ?? '', placeholder: '1000:1000' });
  const workingDir = textInput({ value: spec.workingDir ?? '', placeholder: '/srv' });
  const ports = textInput({
    value: (spec.ports ?? []).map(publishedPortText).join(', '),
    placeholder: '8080:80, 192.0.2.1:53:53/udp',
  });
  const mounts = mountRows(spec.mounts);
  const readOnly = checkbox(spec.readOnly === true);
  const env = codeArea({ placeholder: 'NAME=VALUE' }, variablesText(spec.env));
  const secretEnv = codeArea({ placeholder: 'NAME=VALUE' });
  const element = h(
    'fieldset',
    { class: 'fields' },
    field('Command', command, 'In place of that of the image; no shell reads it'),
    h(
      'div',
      { class: 'two' },
      field('User', user, 'By default that of the image'),
      field('Directory', workingDir, 'In which the program starts; by default that of the image'),
    ),
    field('Ports', ports, 'Of the host and of the container; they need a NIC on a network of the engine'),
    group(
      'Mounts',
      mounts.element,
      'Volumes and paths of the host outlive the container; a path of the host must be one that its config allows',
    ),
    h('label', { class: 'check' }, readOnly, 'Writes only to its mounts, /tmp, /run and /var/tmp'),
    field('Environment', env, 'One variable a line'),
    field('Secret environment', secretEnv, 'As above; no client can read these'),
  );
  const chosen = (): ContainerOptions =>
    definedIn<ContainerOptions>({
      ...{ command: textIn(command), user: textIn(user), workdir: textIn(workingDir) },
      publish: filled(portsIn(ports.value)),
      mount: filled(mounts.rows().map(({ read }) => read())),
      readOnly: readOnly.checked || undefined,
      env: filled(variablesIn(env.value, 'env')),
      secretEnv: filled(variablesIn(secretEnv.value, 'secretEnv')),
    });
  const inputs = { command, user, workingDir, ports, mounts: mounts.element, env, secretEnv };
  return {
    element,
    inputs: new Map<string, HTMLElement>(Object.entries(inputs)),
    options: () => (element.hidden ? {} : chosen()),
  };
};
