import { count, percent } from '../model/format'
import { outcomes, outcomeNames, share, type Figures, type Outcome } from '../model/outcome'
import css from './Outcomes.module.css'

/** The mark of an outcome: a colour, and a shape for those who do not tell colours apart. */
export function Mark({ outcome }: { outcome: Outcome }) {
  return (
    <svg className={css[outcome]} width="11" height="11" viewBox="0 0 12 12" aria-hidden="true" style={{ flex: 'none' }}>
      <path d={marks[outcome]} fill="currentColor" />
    </svg>
  )
}

const marks: Record<Outcome, string> = {
  ok: 'M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Z', // a disc
  error: 'M6 .8 11.6 11H.4L6 .8Z', // a triangle
  throttle: 'M1.2 1.2h9.6v9.6H1.2z', // a square
  fault: 'M6 0l6 6-6 6-6-6 6-6Z', // a diamond
}

/** An outcome in a word. */
export function OutcomeBadge({ outcome, text }: { outcome: Outcome; text?: string }) {
  return (
    <span className={`${css.badge} ${css[`${outcome}Badge`]}`}>
      <Mark outcome={outcome} />
      {text ?? outcome}
    </span>
  )
}

/** outcomeText is the class of words that are about an outcome. */
export function outcomeText(outcome: Outcome): string {
  return css[`${outcome}Text`] ?? ''
}

/** How the requests ended, as a bar with the parts in proportion. */
export function OutcomeBar({ figures }: { figures: Figures }) {
  const present = outcomes.filter((outcome) => figures[outcome] > 0)
  const words = present.map((outcome) => `${outcomeNames[outcome]} ${percent(share(figures, outcome))}, ${count(figures[outcome])}`).join('; ')
  return (
    <span className={css.bar} role="img" aria-label={words || 'no requests'} title={words}>
      {present.map((outcome) => (
        <span key={outcome} className={css[outcome]} style={{ flexGrow: Math.max(figures[outcome] / figures.total, 0.02) }} />
      ))}
    </span>
  )
}
