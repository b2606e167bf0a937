import { createContext, useContext } from 'react'
import type { Which } from './model'
import css from './analytics.module.css'

/** How what was chosen narrows the sets. */
export interface Refining {
  /** All but what is chosen stays, rather than only that. */
  without: boolean
  refine: (which: Which, condition: string) => void
}

const RefiningContext = createContext<Refining>({ without: false, refine: () => undefined })
export const RefiningProvider = RefiningContext.Provider

/** Buttons that narrow A, B or both to what an expression matches. */
export function RefineButtons({ condition, of }: { condition: string; of: string }) {
  const { without, refine } = useContext(RefiningContext)
  const sign = without ? '−' : '+'
  const button = (which: Which, label: string, name: string) => (
    <button type="button" className={`${css.refine} ${which === 'a' ? css.refineA : which === 'b' ? css.refineB : ''}`} aria-label={without ? `Leave ${of} out of ${name}` : `Narrow ${name} to ${of}`} title={without ? `Leave this out of ${name}` : `Narrow ${name} to this`} onClick={() => refine(which, condition)}>
      {sign}
      {label}
    </button>
  )
  return (
    <span className={css.refines}>
      {button('a', 'A', 'A')}
      {button('b', 'B', 'B')}
      {button('both', 'both', 'both')}
    </span>
  )
}
