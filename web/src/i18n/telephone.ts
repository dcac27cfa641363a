/** Telephone numbers as people write them. Pure. */

export const digitsOf = (number: string): string => number.replace(/\D/g, '');

/** "+7 900 555-01-01", others in groups of three; what was typed without its country stays as it is. */
export function written(number: string): string {
  const digits = digitsOf(number);
  const russian = /^7(\d{3})(\d{3})(\d{2})(\d{2})$/.exec(digits);
  if (russian && number.startsWith('+')) {
    return `+7 ${russian[1]} ${russian[2]}-${russian[3]}-${russian[4]}`;
  }
  if (!number.startsWith('+')) return number;
  const code = /^(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/.exec(digits)?.[0] ?? digits.slice(0, 3);
  const rest: string[] = digits.slice(code.length).match(/.{1,3}/g) ?? [];
  if (rest.length > 1 && (rest.at(-1)?.length ?? 0) === 1) {
    const last = rest.pop() ?? '';
    rest.push((rest.pop() ?? '') + last);
  }
  return `+${code} ${rest.join(' ')}`;
}


/** A number that the service sends, for reading; one that is masked, or no number at all, stays as it is. */
export const spoken = (value: string): string => (/^\+\d{7,15}$/.test(value) ? written(value) : value);

/** How an address of a person reads: WhatsApp's numbers come without their plus. */
export const addressWords = (kind: string, value: string): string =>
  kind === 'phone' || kind === 'wa_id' ? spoken(/^\d+$/.test(value) ? `+${value}` : value) : value;
