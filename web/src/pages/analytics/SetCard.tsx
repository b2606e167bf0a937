import { Link } from '@tanstack/react-router'
import { useState, type Ref, type ReactNode } from 'react'
import type { AnalysisSet } from '../../api/analysis'
import type { Window } from '../../api/xray'
import { FilterEditor, type EditorHandle } from '../../editor/FilterEditor'
import { conjuncts, without } from '../../model/filter'
import { count, percent, plural } from '../../model/format'
import { shareOf } from '../../model/histogram'
import { countedFigures } from '../../model/outcome'
import { printMoment } from '../../model/time'
import { Button, IconButton } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { OutcomeBar } from '../../ui/Outcomes'
import type { SetName } from './model'
import css from './analytics.module.css'

interface SetCardProps {
  name: SetName
  expression: string
  window: Window
  /** The window is not that of the page. */
  otherTime: boolean
  /** null while it is not known. */
  set: AnalysisSet | null
  stale: boolean
  /** Whether an expression may be written: not while a preset is still worked out. */
  ready: boolean
  onChange: (expression: string) => void
  handle: Ref<EditorHandle>
  /** The choice of a time. */
  time?: ReactNode
}

/** One of the two sets: its filter, how many traces it has, and how they ended. */
export function SetCard({ name, expression, window, otherTime, set, stale, ready, onChange, handle, time }: SetCardProps) {
  const [draft, setDraft] = useState({ of: expression, text: expression })
  const written = draft.of === expression ? draft.text : expression
  const parts = conjuncts(expression)
  const letter = name.toUpperCase()
  const changed = written.trim() !== expression.trim()
  return (
    <section className={`${css.card} ${name === 'b' ? css.cardB : ''}`} aria-label={`Set ${letter}`}>
      <div className={css.cardHead}>
        <h2 className={css.letter}>
          <span className="hidden-visually">Set </span>
          {letter}
        </h2>
        <form
          className={css.editor}
          onSubmit={(event) => {
            event.preventDefault()
            onChange(written)
          }}
        >
          <FilterEditor label={`Filter expression of ${letter}`} hint={ready ? 'Every trace' : 'Working out what is slow…'} value={written} onChange={(text) => setDraft({ of: expression, text })} onEnter={onChange} window={window} handle={handle} />
          {changed && (
            <Button type="submit" look="main">
              Apply
            </Button>
          )}
        </form>
      </div>
      {parts.length > 1 && (
        <ul className={css.chips} aria-label={`Conditions of ${letter}`}>
          {parts.map((part, i) => (
            <li key={`${i} ${part}`} className={css.chip}>
              <code title={part}>{part}</code>
              <IconButton label={`Remove ${part} from ${letter}`} icon={<Icon name="close" size={12} />} onPress={() => onChange(without(expression, i))} />
            </li>
          ))}
        </ul>
      )}
      <div className={css.cardBody}>
        <div className={css.countLine}>
          <p className={`${css.big} ${stale ? 'stale' : ''}`}>
            {set ? count(set.TotalCount) : '–'} <span className="quiet">{set && `of ${plural(set.WindowCount, 'trace')}, ${percent(shareOf(set.TotalCount, set.WindowCount))}`}</span>
          </p>
          {time}
        </div>
        <div className={stale ? 'stale' : ''}>{set && <OutcomeBar figures={countedFigures(set)} />}</div>
      </div>
      <div className={css.cardFoot}>
        <Link to="/traces" search={{ filter: expression || undefined, ...(otherTime ? { since: undefined, from: printMoment(window.start), to: printMoment(window.end) } : {}) }} className={css.link}>
          <Icon name="traces" size={14} />
          View traces of {letter}
        </Link>
        {set && (set.RootlessCount > 0 || set.DroppedCount > 0) && (
          <span className="note">
            {[set.RootlessCount > 0 ? `${count(set.RootlessCount)} have no root yet` : '', set.DroppedCount > 0 ? `keep rules dropped ${plural(set.DroppedCount, 'trace')} of this time, which nothing here counts` : ''].filter(Boolean).join('; ')}
          </span>
        )}
      </div>
    </section>
  )
}
