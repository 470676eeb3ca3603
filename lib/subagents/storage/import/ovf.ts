import { XMLParser } from 'fast-xml-parser';
import { errorMessage } from '../../../errors.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';

/** An element of an OVF without the prefixes of its names; attributes begin with `@`. */
export type Element = { readonly [name: string]: unknown };

/** The elements that may occur more than once: lists even where there is one. */
const LISTS = new Set([
  ...['File', 'Disk', 'Network', 'Config', 'ExtraConfig', 'VirtualSystem', 'VirtualHardwareSection'],
  ...['Item', 'StorageItem', 'EthernetPortItem', 'HostResource', 'Connection'],
]);

const PARSER = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  isArray: (name) => LISTS.has(name),
});

const isElement = (value: unknown): value is Element => typeof value === 'object' && value !== null;

/** Returns an element's only child of a name; an empty one when it has none. */
export const child = (element: Element, name: string): Element => {
  const found = element[name];
  const first = Array.isArray(found) ? found[0] : found;
  return isElement(first) ? first : {};
};

/** Returns an element's children of a name. */
export const children = (element: Element, name: string): Element[] => {
  const found = element[name];
  return (Array.isArray(found) ? found : [found]).filter(isElement);
};

/** Returns an attribute, or the text of a child, which may have attributes of its own. */
export const textOf = (element: Element, name: string): string => {
  const found = element[name];
  const first = Array.isArray(found) ? found[0] : found;
  const text = isElement(first) ? first['#text'] : first;
  return typeof text === 'string' ? text.trim() : '';
};

/**
 * Parses the description of an OVA. It can define no entities: with them a small text expands without end.
 * @throws {Refusal} when it is not XML, or no OVF
 */
export const parseOvf = (text: string): Element => {
  if (/<!DOCTYPE|<!ENTITY/i.test(text))
    throw new Refusal('invalid', "the OVA's description defines entities: remove its DOCTYPE");
  let parsed: unknown;
  try {
    parsed = PARSER.parse(text, true);
  } catch (error) {
    throw new Refusal('invalid', `the OVA's description is not XML: ${errorMessage(error).slice(0, 200)}`);
  }
  const envelope = isElement(parsed) ? child(parsed, 'Envelope') : {};
  if (!('References' in envelope) && !('VirtualSystem' in envelope))
    throw new Refusal('invalid', "the OVA's description has no virtual machine: it is no OVF");
  return envelope;
};

/** `byte * 2^20` and the like: DSP0004, "Programmatic Units", and what older writers say instead. */
const POWER = /^byte\s*\*\s*2\s*\^\s*(\d{1,2})$/i;
const NAMED: ReadonlyMap<string, number> = new Map([
  ...[['', 1] as const, ['byte', 1] as const, ['bytes', 1] as const],
  ...[['kilobytes', 2 ** 10] as const, ['kb', 2 ** 10] as const],
  ...[['megabytes', 2 ** 20] as const, ['mb', 2 ** 20] as const],
  ...[['gigabytes', 2 ** 30] as const, ['gb', 2 ** 30] as const],
  ...[['terabytes', 2 ** 40] as const, ['tb', 2 ** 40] as const],
]);

/** Returns the bytes of a quantity in the units of an OVF; `undefined` when it is no number. */
export const bytesOf = (quantity: string, units: string): number | undefined => {
  const power = POWER.exec(units.trim())?.[1];
  const unit = power === undefined ? NAMED.get(units.trim().toLowerCase()) : 2 ** Number(power);
  const number = Number(quantity);
  return quantity === '' || unit === undefined || !(number >= 0) ? undefined : Math.round(number * unit);
};
