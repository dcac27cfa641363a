/** Times and links as people read them. */

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
