/** States of work, and what a run of upkeep says of itself. */

export function isOver(status: string): boolean {
  return ['success', 'error', 'stopped', 'succeed'].includes(status.toLowerCase());
}

/** What came of a run stands in its parameters, which are JSON in a text. */
export function parametersOf(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text || '{}');
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function numberIn(parameters: Record<string, unknown>, name: string): number | null {
  const value = parameters[name];
  return typeof value === 'number' ? value : null;
}
