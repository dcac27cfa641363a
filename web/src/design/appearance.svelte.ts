/** Theme, density and accent: kept on this device, written on the root element. */
import { ACCENT_TOKENS, accentShades } from './contrast.ts';
import { recall, remember } from '../device/storage.ts';

export type Theme = 'system' | 'light' | 'dark';
export type Density = 'dense' | 'roomy';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const DENSITIES: readonly Density[] = ['dense', 'roomy'];

function oneOf<T extends string>(options: readonly T[], value: unknown, otherwise: T): T {
  return options.find((option) => option === value) ?? otherwise;
}

class Appearance {
  theme = $state<Theme>(oneOf(THEMES, recall('theme'), 'system'));
  density = $state<Density>(oneOf(DENSITIES, recall('density'), 'dense'));
  accent = $state<string | null>(null);
  #systemDark = $state(false);
  #paper = $state(false);

  get shown(): 'light' | 'dark' {
    if (this.#paper) return 'light';
    if (this.theme !== 'system') return this.theme;
    return this.#systemDark ? 'dark' : 'light';
  }

  /** Follow the system and write every change to the page. Call once, before mounting. */
  begin(): void {
    const query = window.matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = query.matches;
    query.addEventListener('change', (event) => {
      this.#systemDark = event.matches;
      this.#write();
    });
    this.#write();
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    remember('theme', theme);
    this.#write();
  }

  /** Paper is white, whatever the screen is; what was chosen comes back after printing. */
  onPaper(paper: boolean): void {
    this.#paper = paper;
    this.#write();
  }

  setDensity(density: Density): void {
    this.density = density;
    remember('density', density);
    this.#write();
  }

  setAccent(accent: string | null): void {
    this.accent = accent;
    this.#write();
  }

  #write(): void {
    const root = document.documentElement;
    root.dataset['theme'] = this.shown;
    root.dataset['density'] = this.density;
    const shades = this.accent === null ? null : accentShades(this.accent, this.shown);
    // Without one, or with one that is no colour, the tokens' own stands.
    for (const name of ACCENT_TOKENS)
      if (shades === null) root.style.removeProperty(name);
      else root.style.setProperty(name, shades[name]);
  }
}

export const appearance = new Appearance();
