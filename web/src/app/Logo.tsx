import css from './Shell.module.css'

export function Logo() {
  return (
    <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
      <rect className={css.logo} width="32" height="32" rx="8" />
      <path className={css.logoLines} d="M7 10h18M11 16h10M16 22h7" />
    </svg>
  )
}
