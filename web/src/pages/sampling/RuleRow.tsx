import type { RuleVerdict, SamplingRule, SamplingState } from '../../api/sampling'
import { count, percent } from '../../model/format'
import { IconButton } from '../../ui/Button'
import { Badge } from '../../ui/Card'
import { Icon } from '../../ui/Icon'
import { conditionsOf, defaultRule, effectiveRate, labelOf, obstacleText, type RuleFigures } from './model'
import { Trend } from './Trend'
import css from './sampling.module.css'

interface RuleRowProps {
  rule: SamplingRule
  figures: RuleFigures
  /** The newest window that any rule has. */
  latest: number
  state: SamplingState | undefined
  /** What the rule is to the request that is tried; undefined if none is. */
  verdict: RuleVerdict | undefined
  /** Where it stands to the rule that decides; null if no request is tried. */
  place: 'before' | 'decides' | 'after' | null
  /** It cannot be deleted, by nobody. */
  isKept: boolean
  /** null: who is here may not. */
  onEdit: (() => void) | null
  onDelete: (() => void) | null
}

/** A rule, what clients make of it, and what it is to the request that is tried. */
export function RuleRow({ rule, figures, latest, state, verdict, place, isKept, onEdit, onDelete }: RuleRowProps) {
  const conditions = conditionsOf(rule)
  const failing = new Set((verdict?.Obstacles ?? []).map((obstacle) => `${obstacle.Member} ${obstacle.Key}`))
  const rate = effectiveRate(figures)
  const boosted = state && state.Rate > rule.FixedRate
  return (
    <li className={`${css.rule} ${place ? css[place] : ''}`} aria-label={rule.RuleName} aria-current={place === 'decides' ? 'true' : undefined}>
      <span className={css.priority} title="Priority: the lowest that matches decides">
        {rule.RuleName === defaultRule ? 'last' : rule.Priority}
      </span>
      <div className={css.what}>
        <h2 className={css.name}>
          {rule.RuleName}
          {place === 'decides' && (
            <span className={css.verdict}>
              <Badge look="good">
                <Icon name="check" size={12} /> decides the request
              </Badge>
            </span>
          )}
        </h2>
        <div className={css.conditions}>
          {conditions.length === 0 ? (
            <span className="quiet">{rule.RuleName === defaultRule ? 'Every request that no other rule matches. Only its rate and its reservoir can change.' : 'Every request'}</span>
          ) : (
            conditions.map((condition) => (
              <span key={`${condition.member} ${condition.key}`} className={`${css.condition} ${place && verdict ? (failing.has(`${condition.member} ${condition.key}`) ? css.fails : css.holds) : ''}`}>
                <span>{labelOf(condition.member, condition.key)}</span>
                <code>{condition.pattern === '' ? 'empty' : condition.pattern}</code>
              </span>
            ))
          )}
        </div>
        {verdict && place !== 'decides' && (
          <p className={css.why}>
            {verdict.Matches ? 'It would match, but a rule before it decides.' : [...new Set(verdict.Obstacles.map(obstacleText))].join('; ')}
          </p>
        )}
      </div>
      <dl className={css.numbers}>
        <div>
          <dt>Rate</dt>
          <dd>{percent(rule.FixedRate)}</dd>
        </div>
        <div>
          <dt>Reservoir</dt>
          <dd>{count(rule.ReservoirSize)}/s</dd>
        </div>
        {rule.SamplingRateBoost && (
          <div className={css.boost}>
            <dt>Boost</dt>
            <dd>{boosted ? <Badge look="warning">now {percent(state.Rate)}</Badge> : `up to ${percent(rule.SamplingRateBoost.MaxRate)}`}</dd>
          </div>
        )}
      </dl>
      <div className={css.use}>
        <Trend rule={rule.RuleName} windows={figures.windows} last={latest} />
        {rate ? (
          <span className="note">
            {count(figures.requests)} requests, {count(figures.sampled)} sampled, {count(figures.borrowed)} borrowed: <b title="Some clients count borrowed ones as sampled, others do not">{rate.low === rate.high ? percent(rate.low) : `${percent(rate.low)} to ${percent(rate.high)}`}</b>
            {state && state.ClientCount > 0 && (
              <>
                {' '}
                · {state.ClientCount === 1 ? 'a client' : `${count(state.ClientCount)} clients`}, {count(state.LeasedCount)}/s of the reservoir lent
              </>
            )}
          </span>
        ) : (
          <span className="note">no reports in ten minutes</span>
        )}
      </div>
      <span className={css.actions}>
        <IconButton label={`Edit ${rule.RuleName}`} icon={<Icon name="edit" />} isDisabled={!onEdit} onPress={() => onEdit?.()} />
        {isKept ? <span className={css.none} /> : <IconButton label={`Delete ${rule.RuleName}`} icon={<Icon name="delete" />} isDisabled={!onDelete} onPress={() => onDelete?.()} />}
      </span>
    </li>
  )
}
