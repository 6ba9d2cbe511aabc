/**
 * Copying a text. Browsers give pages the clipboard only over HTTPS or on the machine itself;
 * elsewhere the old way still works.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Refused: the other way may not be.
  }
  // Beside what has the focus now, because a dialog lets nothing outside itself have it.
  const place = document.activeElement?.parentElement ?? document.body;
  const focused = document.activeElement as HTMLElement | null;
  const field = document.createElement('textarea');
  field.value = text;
  field.readOnly = true;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  place.append(field);
  field.select();
  try {
    return document.execCommand('copy');
  } finally {
    field.remove();
    focused?.focus();
  }
}
