/** Days as date fields write them, in UTC like everything that the server counts. */

export function dayOf(seconds: number | null | undefined): string {
  return seconds ? new Date(seconds * 1000).toISOString().slice(0, 10) : '';
}

/** The last second of a day; null for none. */
export function endOf(day: string): number | null {
  return day ? Math.floor(new Date(`${day}T23:59:59Z`).getTime() / 1000) : null;
}
