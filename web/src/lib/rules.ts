/** The server's rules of names and passwords, told before it has to refuse. It checks them itself. */

export function isPassword(value: string): boolean {
  return (
    value.length >= 8 &&
    value.length <= 128 &&
    /[A-Z]/.test(value) &&
    /[a-z]/.test(value) &&
    /\d/.test(value)
  );
}

/** Lower case, digits, and single separators between them. */
export function isProjectName(value: string): boolean {
  return value.length <= 255 && /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/.test(value);
}

/** Six fields, seconds first. */
export function isCron(value: string): boolean {
  return value.trim().split(/\s+/).length === 6;
}
