import { speech } from '../../i18n/index.svelte.ts';

/** A language tag as a name in the person's own language. */
export function languageTitle(tag: string): string {
  try {
    const name = new Intl.DisplayNames([speech.language], { type: 'language' }).of(tag);
    return name === undefined ? tag : name.charAt(0).toLocaleUpperCase(speech.language) + name.slice(1);
  } catch {
    return tag;
  }
}
