import { addToList, cloudConfigMistake } from '../../portable/cloud-config.js';
import { field, toast } from './dialogs.js';
import { h } from './dom.js';
import { codeArea } from './inputs.js';

/** What a snippet adds to a cloud-config: items of lists, by their keys. */
interface Snippet {
  title: string;
  adds: Readonly<Record<string, readonly string[]>>;
}

/** Each item is YAML, as it stands behind the dash of a list. */
const SNIPPETS: readonly Snippet[] = [
  { title: 'Install packages', adds: { packages: ['curl', 'htop'] } },
  {
    title: 'Guest agent, which knows addresses and file systems',
    adds: { packages: ['qemu-guest-agent'], runcmd: ['[systemctl, enable, --now, qemu-guest-agent]'] },
  },
  { title: 'Run a command at the first boot', adds: { runcmd: ['[sh, -c, "date > /root/first-boot"]'] } },
  {
    title: 'A user who may use sudo',
    adds: {
      users: ['default', '{name: ops, sudo: "ALL=(ALL) NOPASSWD:ALL", shell: /bin/bash, groups: [sudo]}'],
    },
  },
  {
    title: 'Write a file',
    adds: { write_files: ['{path: /etc/motd, content: "Welcome\\n", permissions: "0644"}'] },
  },
];

const KEYS = 'ssh_authorized_keys';

/** Public SSH keys have a type and base64; options may precede both. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

/** The fields for what cloud-init does in a new virtual machine. */
export interface SeedFields {
  element: HTMLElement;
  inputs: Readonly<Record<string, HTMLElement>>;
  /**
   * Returns the metadata that the fields make.
   * @throws {Error} for user-data that cloud-init could not read
   */
  read: () => Promise<Record<string, string>>;
}

const loadYaml = () => import('/console/vendor/yaml/index.js');

export const seedFields = (): SeedFields => {
  const sshKeys = codeArea({ placeholder: 'ssh-ed25519 AAAA… me@laptop' });
  const userData = codeArea({ rows: '6', placeholder: '#cloud-config' });
  const insert = async ({ adds }: Snippet): Promise<void> => {
    const yaml = await loadYaml();
    try {
      let text = userData.value;
      for (const [key, items] of Object.entries(adds)) text = addToList(yaml, text, key, items);
      userData.value = text;
      userData.dispatchEvent(new Event('input', { bubbles: true }));
    } catch (error) {
      toast(String(error), 'error');
    }
  };
  const snippets = h(
    'select',
    { 'aria-label': 'Insert a snippet into the user-data' },
    h('option', { value: '' }, 'Insert a snippet …'),
    ...SNIPPETS.map(({ title }, index) => h('option', { value: String(index) }, title)),
  );
  snippets.addEventListener('change', () => {
    const snippet = SNIPPETS[Number(snippets.value)];
    if (snippets.value !== '' && snippet) void insert(snippet);
    snippets.value = '';
  });
  const element = h(
    'div',
    { class: 'fields' },
    field(
      'SSH keys',
      sshKeys,
      'Public keys, one a line: log in as the default user of the image. They go into the user-data',
    ),
    field('User-data', userData, 'For cloud-init in the guest: a #cloud-config in YAML, or a script'),
    snippets,
  );
  const read = async (): Promise<Record<string, string>> => {
    const [text, keys] = [userData.value, linesOf(sshKeys.value)];
    if (element.hidden || (text.trim() === '' && keys.length === 0)) return {};
    const yaml = await loadYaml();
    const mistake = cloudConfigMistake(yaml, text);
    if (mistake !== undefined) throw new Error(`"userData" ${mistake}`);
    const items = keys.map((key) => JSON.stringify(key));
    return { 'user-data': keys.length > 0 ? addToList(yaml, text, KEYS, items) : text };
  };
  return { element, inputs: { sshKeys, userData }, read };
};
