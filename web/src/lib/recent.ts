/** Searches of this browser, newest first. */
const KEY = 'linkloom.recent';
const MAX = 12;

export function recentSearches(): string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string').slice(0, MAX) : [];
  } catch {
    return [];
  }
}

export function remember(text: string): void {
  const kept = [text, ...recentSearches().filter((one) => one !== text)].slice(0, MAX);
  localStorage.setItem(KEY, JSON.stringify(kept));
}

export function forgetSearches(): void {
  localStorage.removeItem(KEY);
}
