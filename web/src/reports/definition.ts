import { keyFor, t } from '../i18n/index.svelte.ts';

/** What a report counts, in the person's language where these pages know it, else as the service says. */
export function definitionOf(report: { readonly report: string; readonly definition: string }): string {
  const key = keyFor('report.definition', report.report);
  return key === null ? report.definition : t(key);
}
