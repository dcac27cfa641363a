/** A template's words with what stands in its places. Pure. */
import type { Template } from '../../api/types.ts';

/** `{{1}}` by position, `{{name}}` by name; a place without a value stays visible. */
export function filled(template: Pick<Template, 'body' | 'parameters'>, values: readonly string[]): string {
  return template.body.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (whole, place: string) => {
    const named = template.parameters.indexOf(place);
    const index = named >= 0 ? named : /^\d+$/.test(place) ? Number(place) - 1 : -1;
    const value = values[index]?.trim();
    return value === undefined || value === '' ? whole : value;
  });
}
