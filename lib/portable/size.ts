const FACTORS: Record<string, number> = { '': 1, M: 1, G: 1024, T: 1024 * 1024 };

export const SIZE_HINT = 'give a size in MB or with a unit, such as 512M or 10G';

/** Parses a size in MB (2^20 bytes) or with a unit: `10240`, `10G`. Returns `undefined` for anything else. */
export const mbOf = (text: string): number | undefined => {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?([MGT]?)i?B?$/i.exec(text) ?? [];
  const mb = Number(digits) * (FACTORS[unit.toUpperCase()] ?? Number.NaN);
  return Number.isSafeInteger(mb) ? mb : undefined;
};

/** Writes a size as `mbOf` reads it: in GB where that is exact. */
export const sizeText = (mb: number): string => (mb > 0 && mb % 1024 === 0 ? `${mb / 1024}G` : String(mb));
