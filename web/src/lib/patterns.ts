/**
 * The server's patterns, for a preview of what a rule speaks of. The server decides; this only shows.
 *
 * `*` is any run without `/`, a part `**` any number of parts, `?` one character, `[a-z]` a class,
 * `{a,b}` one of several, `\x` the character x. An empty pattern matches everything.
 */

function escaped(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Where the brace that opens at `from` closes. */
function closing(pattern: string, from: number): number {
  let depth = 0;
  for (let at = from; at < pattern.length; at += 1) {
    if (pattern[at] === '\\') at += 1;
    else if (pattern[at] === '{') depth += 1;
    else if (pattern[at] === '}') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}

/** The parts of a group, divided by the commas that belong to it. */
function alternatives(inside: string): string[] {
  const parts = [''];
  let depth = 0;
  for (let at = 0; at < inside.length; at += 1) {
    const character = inside[at] ?? '';
    if (character === '\\') {
      parts[parts.length - 1] += character + (inside[at + 1] ?? '');
      at += 1;
      continue;
    }
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

function source(pattern: string): string {
  let out = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] ?? '';
    if (character === '\\') {
      at += 1;
      out += escaped(pattern[at] ?? '\\');
    } else if (character === '*') {
      const whole =
        pattern[at + 1] === '*' &&
        (at === 0 || pattern[at - 1] === '/') &&
        (at + 2 === pattern.length || pattern[at + 2] === '/');
      if (whole && pattern[at + 2] === '/') {
        out += '(?:[^/]+/)*';
        at += 2;
      } else if (whole) {
        out += '.*';
        at += 1;
      } else {
        while (pattern[at + 1] === '*') at += 1;
        out += '[^/]*';
      }
    } else if (character === '?') {
      out += '[^/]';
    } else if (character === '[') {
      const end = pattern.indexOf(']', at + 2);
      if (end < 0) throw new SyntaxError(pattern);
      const inside = pattern.slice(at + 1, end).replace(/^[!^]/, '^');
      out += `[${inside.replaceAll('\\', '\\\\').replaceAll('[', '\\[')}]`;
      at = end;
    } else if (character === '{') {
      const end = closing(pattern, at);
      if (end < 0) throw new SyntaxError(pattern);
      const parts = alternatives(pattern.slice(at + 1, end)).map(source);
      out += `(?:${parts.join('|')})`;
      at = end;
    } else {
      out += escaped(character);
    }
  }
  return out;
}

/** A test for names; none if the pattern cannot be read. */
export function matcher(pattern: string): ((name: string) => boolean) | null {
  if (pattern === '') return () => true;
  try {
    const expression = new RegExp(`^(?:${source(pattern)})$`, 'u');
    return (name) => expression.test(name);
  } catch {
    return null;
  }
}
