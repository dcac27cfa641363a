/** What each key does here; false when it means nothing at the moment. */
import type { Desk } from '../work/desk.svelte.ts';
import { isMine, mayWrite } from '../state/views.ts';
import type { Action } from './keys.ts';

export interface Screen {
  show(dialog: 'help' | 'palette' | 'transfer'): void;
  focusComposer(): void;
  focusSearch(): void;
  focusedRow(): string | null;
  focusRow(id: string): void;
}

export function perform(action: Action, desk: Desk, screen: Screen): boolean {
  const { current } = desk;
  const me = desk.me.person.id;
  const [offer] = desk.offers;
  const closing = desk.closings.pending.at(-1);
  switch (action) {
    case 'next':
      return step(desk, screen, 1);
    case 'previous':
      return step(desk, screen, -1);
    case 'open': {
      // A focused row is a button: Enter presses it without our help.
      if (document.activeElement !== document.body || current !== null) return false;
      return step(desk, screen, 1);
    }
    case 'reply':
      if (current === null) return false;
      screen.focusComposer();
      return true;
    case 'close':
      if (current === null || !isMine(current, me)) return false;
      if (current.state === 'wrapup') void desk.closings.endWrapup(current);
      else desk.close(current);
      return true;
    case 'undo':
      if (closing === undefined) return false;
      desk.closings.undo(closing.id);
      return true;
    case 'transfer':
      if (current === null || !mayWrite(current, me)) return false;
      screen.show('transfer');
      return true;
    case 'accept':
      if (offer === undefined) return false;
      void desk.accept(offer);
      requestAnimationFrame(() => screen.focusComposer());
      return true;
    case 'decline':
      if (offer === undefined) return false;
      void desk.decline(offer);
      return true;
    case 'palette':
      screen.show('palette');
      return true;
    case 'help':
      screen.show('help');
      return true;
    case 'search':
      screen.focusSearch();
      return true;
  }
}

/** Move the mark through the list; Enter then opens what it stands on. */
function step(desk: Desk, screen: Screen, by: 1 | -1): boolean {
  const { rows } = desk.lists;
  const from = screen.focusedRow() ?? desk.selected;
  const at = rows.findIndex(({ id }) => id === from);
  const next = at < 0 ? rows[by === 1 ? 0 : rows.length - 1] : rows[at + by];
  if (next === undefined) return false;
  screen.focusRow(next.id);
  void desk.threads.read(next.id);
  return true;
}
