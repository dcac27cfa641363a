/** A JSON Schema as a form sees it: which control a value needs, and what a new value begins as. */

export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value };

export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly Value[];
  readonly const?: Value;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly default?: Value;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly description?: string;
}

export type Control =
  | { readonly kind: 'switch' }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  | { readonly kind: 'number'; readonly whole: boolean; readonly min?: number; readonly max?: number }
  | { readonly kind: 'text'; readonly long: boolean; readonly type: 'text' | 'date' | 'time' }
  | { readonly kind: 'words' }
  | { readonly kind: 'list'; readonly of: Schema }
  | { readonly kind: 'record'; readonly of: Schema }
  | { readonly kind: 'group'; readonly of: Readonly<Record<string, Schema>> }
  | { readonly kind: 'raw' };

export interface Field {
  readonly control: Control;
  /** It may be left out altogether. */
  readonly optional: boolean;
  readonly schema: Schema;
}

const LONG = 120;

/** What a `$ref` stands for. */
export function resolved(schema: Schema, root: Schema): Schema {
  let found = schema;
  for (let left = 10; found.$ref !== undefined && left > 0; left -= 1) {
    const { $ref: reference, ...beside } = found;
    const named = root.$defs?.[reference.slice(reference.lastIndexOf('/') + 1)] ?? {};
    found = { ...named, ...beside };
  }
  return found;
}

export function fieldOf(schema: Schema, root: Schema): Field {
  const whole = resolved(schema, root);
  const ways = (whole.anyOf ?? [whole]).map((way) => resolved(way, root));
  const filled = ways.filter((way) => way.type !== 'null');
  const optional = filled.length < ways.length;
  const numbers = filled.length > 1 && filled.every((way) => way.type === 'number' || way.type === 'integer');
  const only = filled.length === 1 || numbers ? filled[0] : undefined;
  const merged = only === undefined ? whole : { ...whole, anyOf: undefined, ...only };
  return {
    control: only === undefined ? { kind: 'raw' } : controlOf(merged as Schema, root),
    optional,
    schema: merged as Schema,
  };
}

function controlOf(schema: Schema, root: Schema): Control {
  if (schema.enum !== undefined) return { kind: 'choice', of: schema.enum.map(String) };
  if (schema.const !== undefined) return { kind: 'choice', of: [String(schema.const)] };
  switch (schema.type) {
    case 'boolean':
      return { kind: 'switch' };
    case 'integer':
    case 'number':
      return {
        kind: 'number',
        whole: schema.type === 'integer',
        ...(schema.minimum === undefined ? {} : { min: schema.minimum }),
        ...(schema.maximum === undefined ? {} : { max: schema.maximum }),
      };
    case 'string':
      return {
        kind: 'text',
        long: (schema.maxLength ?? 0) > LONG,
        type: schema.format === 'date' ? 'date' : 'text',
      };
    case 'array': {
      if (schema.prefixItems !== undefined || schema.items === undefined) return { kind: 'raw' };
      const item = fieldOf(schema.items, root);
      const plain = item.control.kind === 'text' || item.control.kind === 'choice';
      return plain ? { kind: 'words' } : { kind: 'list', of: schema.items };
    }
    case 'object':
      if (schema.properties !== undefined) return { kind: 'group', of: schema.properties };
      return recordOf(schema);
    default:
      return { kind: 'raw' };
  }
}

/** Members under any name, or under names of one pattern (language codes). */
function recordOf(schema: Schema): Control {
  const [inner] = Object.values(schema.patternProperties ?? {});
  if (inner !== undefined) return { kind: 'record', of: inner };
  const { additionalProperties: any } = schema;
  return typeof any === 'object' ? { kind: 'record', of: any } : { kind: 'raw' };
}

/** What a value begins as when somebody adds it: its default, or the emptiest thing that fits. */
export function fresh(schema: Schema, root: Schema): Value {
  const whole = resolved(schema, root);
  if (whole.default !== undefined && whole.default !== null) return whole.default;
  const { control, optional } = fieldOf(schema, root);
  if (optional) return null;
  return begun(control, root);
}

/** The same, when it is switched on although it may be left out. */
export function begun(control: Control, root: Schema): Value {
  switch (control.kind) {
    case 'switch':
      return false;
    case 'choice':
      return control.of[0] ?? '';
    case 'number':
      return control.min ?? 0;
    case 'text':
      return '';
    case 'words':
    case 'list':
      return [];
    case 'group':
      return Object.fromEntries(
        Object.entries(control.of).map(([name, inner]) => [name, fresh(inner, root)]),
      );
    case 'record':
    case 'raw':
      return {};
  }
}

/** A key that is not there yet. */
export function newKey(held: Readonly<Record<string, Value>>, wished: readonly string[]): string {
  const free = wished.find((key) => !(key in held));
  if (free !== undefined) return free;
  let number = Object.keys(held).length + 1;
  while (`new_${number}` in held) number += 1;
  return `new_${number}`;
}

/** One a line: what a person types where a list of words is wanted; a comma may belong to a word. */
export function words(text: string): readonly string[] {
  return text
    .split('\n')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** Equal as documents, whatever the order of their members. */
export function same(one: Value | undefined, other: Value | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (one === undefined || other === undefined) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [left, right] = [one as Record<string, Value>, other as Record<string, Value>];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => same(left[name], right[name]));
}
