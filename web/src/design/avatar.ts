/** What stands in a person's circle. */

/** At most two first letters, by what a reader sees as letters; a number shows its end. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter((word) => /\p{L}/u.test(word));
  if (words.length === 0) {
    const digits = name.replace(/\D/g, '');
    return digits === '' ? '·' : digits.slice(-2);
  }
  const first = [...(words[0] ?? '')].find((sign) => /\p{L}/u.test(sign)) ?? '';
  const second = words.length > 1 ? [...(words.at(-1) ?? '')].find((sign) => /\p{L}/u.test(sign)) ?? '' : '';
  // Joined Arabic letters would read as a word.
  return /\p{Script=Arabic}/u.test(first) ? first : (first + second).toLocaleUpperCase();
}

/** A steady angle on the colour wheel for an id. */
export function hue(id: string): number {
  let sum = 0;
  for (let at = 0; at < id.length; at += 1) sum = (sum * 31 + id.charCodeAt(at)) >>> 0;
  // Neighbouring ids land far apart.
  return (sum * 137) % 360;
}
