import { expect, test } from 'vitest';
import { hue, initials } from '../../src/design/avatar.ts';
import { accentShades, contrast, parseHex, type Rgb } from '../../src/design/contrast.ts';

const rgb = (text: string): Rgb => parseHex(text) as Rgb;
const PAGE = { light: rgb('#ffffff'), dark: rgb('#14161a') };

test.each(['#3457d5', '#ffe600', '#000000', '#ffffff', '#0a0', '#e5007d'])(
  'a workspace’s %s can be read on both themes',
  (colour) => {
    for (const theme of ['light', 'dark'] as const) {
      const shades = accentShades(colour, theme);
      expect(shades).not.toBeNull();
      if (shades === null) return;
      expect(contrast(rgb(shades['--on-accent']), rgb(shades['--accent']))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(rgb(shades['--accent-text']), rgb(shades['--accent-tint']))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(rgb(shades['--accent']), PAGE[theme])).toBeGreaterThanOrEqual(3);
    }
  },
);

test('what is no colour changes nothing', () => {
  expect(accentShades('blue', 'light')).toBeNull();
  expect(accentShades('#12345', 'light')).toBeNull();
});

test('a circle shows at most two letters, whatever the name is made of', () => {
  expect(initials('Анна Петрова')).toBe('АП');
  expect(initials('Maximiliana de la Santísima Trinidad')).toBe('MT');
  expect(initials('🦄 Лёля')).toBe('Л');
  expect(initials('محمد عبد الرحمن')).toBe('م');
  expect(initials('+7 911 ***-**-40')).toBe('40');
  expect(initials('🎉')).toBe('·');
});

test('the same person has the same colour', () => {
  expect(hue('ct_1')).toBe(hue('ct_1'));
  expect(hue('ct_1')).not.toBe(hue('ct_2'));
});
