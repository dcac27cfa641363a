import { afterEach, expect, test, vi } from 'vitest';
import { Reports } from '../../src/reports/reports.svelte.ts';

afterEach(() => vi.unstubAllGlobals());

test('numbers outlive a service that does not answer, and are said to be old', async () => {
  const period = { from: '2026-03-01', to: '2026-03-02' };
  let [answering, calls] = [true, 0];
  vi.stubGlobal('fetch', async () => {
    calls += 1;
    return answering
      ? Response.json({ rows: [{ eligible: 4, deflected: calls }], total: null })
      : Response.json({ code: 'unavailable', detail: '' }, { status: 503 });
  });
  const all = (): boolean => reports.effects.shadow !== undefined;
  const reports = new Reports();
  reports.ask(period);
  await vi.waitUntil(all);
  expect(reports.stale).toBe(false);
  const [read, byDay] = [reports.readAt, reports.byDay];
  expect(read).not.toBeNull();

  answering = false;
  reports.ask(period, true);
  await vi.waitUntil(() => reports.stale);
  expect(reports.byDay).toEqual(byDay);
  expect(reports.readAt).toBe(read);

  // Another period has no numbers that could stay.
  reports.ask({ from: '2026-02-01', to: '2026-02-02' });
  await vi.waitUntil(() => reports.byDay.kind === 'trouble');
  expect(reports.readAt).toBeNull();

  answering = true;
  reports.ask(period, true);
  await vi.waitUntil(() => reports.byDay.kind === 'here' && reports.readAt !== null);
  expect(reports.stale).toBe(false);
});
