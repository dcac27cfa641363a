/** What went wrong, what it means for the customer, what to do: in the person's language. */
import { asProblem } from '../../api/http.ts';
import { keyFor, t } from '../../i18n/index.svelte.ts';

export function explain(error: unknown): string {
  const problem = asProblem(error);
  return explainCode(problem.code, problem.detail, problem.status);
}

export function explainCode(code: string, detail: string, status = 409): string {
  const known = keyFor('problem', code);
  // What did not fit is said by the service: it knows the channel's limits.
  if (code === 'invalid_request') return `${t('problem.invalid_request')} ${detail}`.trim();
  if (known !== null) return t(known);
  if (status === 0) return t('problem.unreachable');
  if (status >= 500) return t('problem.service');
  return detail === '' ? t('problem.other', { code }) : detail;
}
