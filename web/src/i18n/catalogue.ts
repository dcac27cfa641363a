/** The shape that every language's words must have; English says which keys there are. */
import type { en } from './en/index.ts';

export type English = typeof en;
export type Key = keyof English;

/** Russian needs four forms where English has two. */
export interface Forms {
  readonly one: string;
  readonly few?: string;
  readonly many?: string;
  readonly other: string;
}

export interface RussianForms extends Forms {
  readonly few: string;
  readonly many: string;
}

/** A missing key, or a plural where English has none, does not compile. */
export type Russian = {
  readonly [K in Key]: English[K] extends string ? string : RussianForms;
};

type NamesIn<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;

type Said<K extends Key> = English[K] extends string
  ? English[K]
  : English[K] extends { readonly one: infer One; readonly other: infer Other }
    ? One | Other
    : never;

export type Names<K extends Key> = NamesIn<Said<K>>;

/** What must be filled into a key's words: nothing, or a value for each `{name}`. */
export type Filling<K extends Key> = [Names<K>] extends [never]
  ? []
  : [values: { readonly [N in Names<K>]: N extends 'n' ? number : string | number }];

/** Keys whose words need nothing filled in. */
export type PlainKey = { [K in Key]: [Names<K>] extends [never] ? K : never }[Key];

/** The words of one key in one language, the plural chosen by `n`. */
export function phrase(
  text: string | Forms,
  values: Readonly<Record<string, string | number>>,
  plural: Intl.PluralRules,
  number: Intl.NumberFormat,
): string {
  const form =
    typeof text === 'string'
      ? text
      : ((text as unknown as Partial<Record<Intl.LDMLPluralRule, string>>)[
          plural.select(Number(values['n'] ?? 0))
        ] ?? text.other);
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? number.format(value) : value;
  });
}
