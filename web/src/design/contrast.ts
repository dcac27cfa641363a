/** A workspace chooses one colour; these make it readable on both themes. */

export interface Rgb {
  readonly r: number;
  readonly g: number;
  readonly b: number;
}

const BLACK: Rgb = { r: 0, g: 0, b: 0 };
const WHITE: Rgb = { r: 255, g: 255, b: 255 };

export function parseHex(text: string): Rgb | null {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(text);
  const long = short === null ? /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text) : null;
  const parts = short ?? long;
  if (parts === null) return null;
  const [r, g, b] = parts.slice(1).map((part) => parseInt(part.length === 1 ? part + part : part, 16));
  return r === undefined || g === undefined || b === undefined ? null : { r, g, b };
}

export function hex({ r, g, b }: Rgb): string {
  return '#' + [r, g, b].map((part) => part.toString(16).padStart(2, '0')).join('');
}

/** In whole steps, as the screen shows it: a ratio must hold for the colour that is seen. */
export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = (one: number, other: number): number => Math.round(one + (other - one) * share);
  return { r: part(from.r, to.r), g: part(from.g, to.g), b: part(from.b, to.b) };
}

function luminance({ r, g, b }: Rgb): number {
  const linear = (part: number): number => {
    const unit = part / 255;
    return unit <= 0.04045 ? unit / 12.92 : ((unit + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** WCAG 2 contrast ratio, 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** The colour itself where it reads well on `ground`, else the nearest one that does. */
export function readable(colour: Rgb, ground: Rgb, ratio = 4.5): Rgb {
  const towards = luminance(ground) > 0.18 ? BLACK : WHITE;
  for (let step = 0; step <= 20; step += 1) {
    const candidate = mix(colour, towards, step / 20);
    if (contrast(candidate, ground) >= ratio) return candidate;
  }
  return towards;
}

export const ACCENT_TOKENS = [
  '--accent',
  '--accent-hover',
  '--on-accent',
  '--accent-text',
  '--accent-tint',
  '--accent-line',
  '--data-moved',
] as const;

export type AccentShades = Readonly<Record<(typeof ACCENT_TOKENS)[number], string>>;

/** All the accent's tokens from the one colour that a workspace sets; null when it is no colour. */
export function accentShades(colour: string, theme: 'light' | 'dark'): AccentShades | null {
  const given = parseHex(colour);
  if (given === null) return null;
  const page = theme === 'dark' ? { r: 20, g: 22, b: 26 } : WHITE;
  // Fills need 3:1 against the page to be seen as controls.
  const fill = readable(given, page, 3);
  const onFill = contrast(fill, WHITE) >= 4.5 ? WHITE : BLACK;
  const tint = mix(page, fill, theme === 'dark' ? 0.22 : 0.1);
  return {
    '--accent': hex(fill),
    '--accent-hover': hex(mix(fill, onFill === WHITE ? BLACK : WHITE, 0.14)),
    '--on-accent': hex(onFill),
    // Accent words stand on tinted rows as well as on the page.
    '--accent-text': hex(readable(given, tint)),
    '--accent-tint': hex(tint),
    '--accent-line': hex(mix(page, fill, 0.35)),
    '--data-moved': hex(fill),
  };
}
