import { cloudConfigMistake } from '../../../portable/cloud-config.js';
import { h } from '../dom.js';
import { isReadOnly } from '../session.js';

/** The keys whose values cloud-init reads as YAML, if they begin with `#cloud-config`. */
const CLOUD_CONFIG_KEYS = ['user-data', 'vendor-data'];

const isLong = (key: string, text: string): boolean => CLOUD_CONFIG_KEYS.includes(key) || text.includes('\n');

/** Creates the field for a value: a text area for one of several lines, which a plain field would join. */
export const valueField = (
  key: string,
  text: string,
  label: string,
): HTMLInputElement | HTMLTextAreaElement => {
  const common = { 'aria-label': label, readonly: isReadOnly() };
  if (!isLong(key, text)) return h('input', { ...common, value: text });
  const rows = Math.min(16, Math.max(4, text.split('\n').length + 1));
  const area = h('textarea', { ...common, rows, spellcheck: 'false', class: 'mono' });
  area.value = text;
  return area;
};

/**
 * Checks a value before it is sent: cloud-init ignores a `#cloud-config` that is not YAML, and only its log says so.
 * @throws {Error} that says where the YAML is wrong
 */
export const checkValue = async (key: string, text: string): Promise<void> => {
  if (!CLOUD_CONFIG_KEYS.includes(key)) return;
  const mistake = cloudConfigMistake(await import('/console/vendor/yaml/index.js'), text);
  if (mistake !== undefined) throw new Error(`${key} was not changed: ${mistake}`);
};
