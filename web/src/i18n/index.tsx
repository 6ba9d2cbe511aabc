/** The language of the page: chosen, kept in the browser, and handed down. */
import { createContext, type ReactNode, use, useEffect, useMemo, useState } from 'react';
import {
  type Area,
  fill,
  hasWord,
  type Language,
  type Texts,
  type Translate,
  translator,
  wordOf,
} from './translate';

export type { Key, Language, PlainKey, Translate } from './translate';

export const LANGUAGES: { id: Language; name: string; locale: string }[] = [
  { id: 'en', name: 'English', locale: 'en-GB' },
  { id: 'zh', name: '中文', locale: 'zh-CN' },
];

const KEPT = 'berth.language';

/** What was chosen, else the first language of the browser that there are texts in. */
export function firstLanguage(): Language {
  const known = (name: string | null): name is Language => name === 'en' || name === 'zh';
  const kept = localStorage.getItem(KEPT);
  if (known(kept)) return kept;
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find(known) ?? 'en';
}

/** Each language is a file of its own, so that nobody loads what they do not read. */
export async function loadTexts(language: Language): Promise<Texts> {
  return language === 'zh' ? (await import('./zh')).zh : (await import('./en')).en;
}

interface I18n {
  language: Language;
  locale: string;
  t: Translate;
  word: (area: Area, word: string) => string;
  /** As `word`, with values put in; null if there is no such text. */
  phrase: (area: Area, word: string, values: Record<string, string>) => string | null;
  choose: (language: Language) => void;
}

const Context = createContext<I18n | null>(null);

export function I18nProvider(props: { language: Language; texts: Texts; children: ReactNode }) {
  const [current, setCurrent] = useState({ language: props.language, texts: props.texts });
  const { language, texts } = current;
  const locale = LANGUAGES.find((one) => one.id === language)?.locale ?? 'en-GB';
  useEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);
  const value = useMemo<I18n>(
    () => ({
      language,
      locale,
      t: translator(texts, locale),
      word: (area, word) => wordOf(texts, area, word),
      phrase: (area, word, values) =>
        hasWord(texts, area, word) ? fill(wordOf(texts, area, word), values, locale) : null,
      choose: (next) => {
        localStorage.setItem(KEPT, next);
        void loadTexts(next).then((loaded) => setCurrent({ language: next, texts: loaded }));
      },
    }),
    [language, texts, locale],
  );
  return <Context value={value}>{props.children}</Context>;
}

export function useI18n(): I18n {
  const found = use(Context);
  if (!found) throw new Error('no I18nProvider above');
  return found;
}

export function useT(): Translate {
  return useI18n().t;
}
