/** The mark: a ship with its load. */
export function Logo({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0f5c7a" />
      <path d="M7 19h18l-3 6H10z" fill="#fff" />
      <rect x="10" y="12" width="5" height="5" rx="1" fill="#9fd8ea" />
      <rect x="17" y="12" width="5" height="5" rx="1" fill="#fff" />
      <rect x="13.5" y="6" width="5" height="5" rx="1" fill="#9fd8ea" />
    </svg>
  );
}
