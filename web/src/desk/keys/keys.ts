/** Keys by where they lie on the keyboard, so that they work under a Cyrillic layout too. Pure. */

export const ACTIONS = [
  'next',
  'previous',
  'open',
  'reply',
  'close',
  'undo',
  'transfer',
  'accept',
  'decline',
  'palette',
  'help',
  'search',
] as const;

export type Action = (typeof ACTIONS)[number];

/** "Alt+Enter", "KeyJ", "Shift+Slash": modifiers in a fixed order, then event.code. */
export type Combination = string;
export type KeyMap = Readonly<Record<Action, Combination>>;

export const DEFAULT_KEYS: KeyMap = {
  next: 'KeyJ',
  previous: 'KeyK',
  open: 'Enter',
  reply: 'KeyR',
  close: 'KeyE',
  undo: 'KeyZ',
  transfer: 'KeyT',
  accept: 'Alt+Enter',
  // Not Alt+Shift+…: on many Windows machines that pair switches the keyboard's language.
  decline: 'Alt+KeyX',
  palette: 'Ctrl+KeyK',
  help: 'Shift+Slash',
  search: 'Slash',
};

export interface Press {
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** Command on a Mac counts as Ctrl. Null for a modifier pressed alone. */
export function combinationOf(press: Press): Combination | null {
  if (/^(Control|Meta|Alt|Shift)(Left|Right)$/.test(press.code) || press.code === '') return null;
  const code = press.code === 'NumpadEnter' ? 'Enter' : press.code;
  return [
    press.ctrlKey || press.metaKey ? 'Ctrl+' : '',
    press.altKey ? 'Alt+' : '',
    press.shiftKey ? 'Shift+' : '',
    code,
  ].join('');
}

/** Only chords that nobody types by finishing a sentence may act inside a text field. */
export const actsWhileTyping = (combination: Combination): boolean => /^(Ctrl|Alt)\+/.test(combination);

export function actionFor(press: Press, typing: boolean, keys: KeyMap): Action | null {
  const combination = combinationOf(press);
  if (combination === null || (typing && !actsWhileTyping(combination))) return null;
  return ACTIONS.find((action) => keys[action] === combination) ?? null;
}

export function readKeys(kept: unknown): KeyMap {
  if (typeof kept !== 'object' || kept === null) return DEFAULT_KEYS;
  const given = kept as Partial<Record<Action, unknown>>;
  const keys = { ...DEFAULT_KEYS };
  for (const action of ACTIONS) {
    const combination = given[action];
    if (typeof combination === 'string' && combination !== '') keys[action] = combination;
  }
  return keys;
}

const NAMES: Readonly<Record<string, string>> = {
  Slash: '/',
  Period: '.',
  Comma: ',',
  Enter: '↵',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Backspace: '⌫',
};

/** The caps to draw for a combination. */
export function capsOf(combination: Combination, mac: boolean): readonly string[] {
  return combination.split('+').map((part) => {
    if (part === 'Ctrl') return mac ? '⌘' : 'Ctrl';
    if (part === 'Alt') return mac ? '⌥' : 'Alt';
    if (part === 'Shift') return '⇧';
    return NAMES[part] ?? part.replace(/^(Key|Digit)/, '');
  });
}
