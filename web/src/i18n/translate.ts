/**
 * Texts by key, with values put in and the right plural chosen.
 *
 * A text may hold `{name}` for values; one with `|` has a form for one and a form for more, and
 * `{count}` chooses. Keys and the names of values are types: a missing text does not compile.
 */
import type { en } from './en';

export type Language = 'en' | 'zh';
export type Catalog = typeof en;
export type Area = keyof Catalog;

/** A catalog of the same keys in another language. */
export type Translated<T> = { readonly [K in keyof T]: string };

export type Key = { [A in Area]: `${A}.${keyof Catalog[A] & string}` }[Area];

type TextOf<K extends Key> = K extends `${infer A extends Area}.${infer L}`
  ? L extends keyof Catalog[A]
    ? Catalog[A][L]
    : never
  : never;

type Names<S> = S extends `${string}{${infer N}}${infer R}` ? N | Names<R> : never;

export type Value = string | number;

export type Values<K extends Key> = [Names<TextOf<K>>] extends [never]
  ? []
  : [values: Record<Names<TextOf<K>>, Value>];

/** Keys of texts that ask for no values. */
export type PlainKey = { [K in Key]: Values<K> extends [] ? K : never }[Key];

export type Translate = <K extends Key>(key: K, ...values: Values<K>) => string;

/** Texts of one language, by area. */
export type Texts = { readonly [A in Area]: Translated<Catalog[A]> };

const PLACEHOLDER = /\{(\w+)\}/g;

/** Puts values into a text. Numbers are written as the language writes them. */
export function fill(text: string, values: Record<string, Value>, locale: string): string {
  const forms = text.split('|');
  const count = values.count;
  let chosen = text;
  if (forms.length === 2 && typeof count === 'number') {
    const one = new Intl.PluralRules(locale).select(count) === 'one';
    chosen = (one ? forms[0] : forms[1]) ?? text;
  }
  return chosen.replace(PLACEHOLDER, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? value.toLocaleString(locale) : value;
  });
}

export function translator(texts: Texts, locale: string): Translate {
  return (key, ...values) => {
    const dot = key.indexOf('.');
    const area = texts[key.slice(0, dot) as Area] as Record<string, string>;
    return fill(area[key.slice(dot + 1)] ?? key, values[0] ?? {}, locale);
  };
}

export function hasWord(texts: Texts, area: Area, word: string): boolean {
  return Object.hasOwn(texts[area], word);
}

/** The text of a word that the server uses, or the word itself if it is new to the portal. */
export function wordOf(texts: Texts, area: Area, word: string): string {
  return (texts[area] as Record<string, string>)[word] ?? word;
}

/** The names of the values that a text asks for, sorted. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map((found) => found[1] ?? ''))].sort();
}
