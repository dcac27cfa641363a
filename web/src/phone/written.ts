/** Numbers and times as people write them. */

export const digitsOf = (number: string): string => number.replace(/\D/g, '');

/** "+7 900 555-01-01", "8 800 250-00-00" stays as typed; others in groups of three. */
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

export const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

const LINK = /https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]}»]/g;

/** A text cut into plain words and links. */
export function withLinks(text: string): { words: string; link: boolean }[] {
  const parts: { words: string; link: boolean }[] = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    if (found.index > from) parts.push({ words: text.slice(from, found.index), link: false });
    parts.push({ words: found[0], link: true });
    from = found.index + found[0].length;
  }
  if (from < text.length) parts.push({ words: text.slice(from), link: false });
  return parts;
}
