import type { AnomalousServiceId, InsightSummary, RequestImpact } from '../../api/insights'
import { count, percent } from '../../model/format'
import { kindOf, shortType, titleOf } from '../../model/graph'
import { Badge } from '../../ui/Card'
import { Icon } from '../../ui/Icon'
import { NodeIcon } from '../../ui/NodeIcon'
import { faultShare, nodeOf } from './model'
import css from './insights.module.css'

/** Whether an insight goes on. */
export function StateBadge({ state }: { state: InsightSummary['State'] }) {
  return (
    <Badge look={state === 'ACTIVE' ? 'bad' : 'plain'}>
      <Icon name={state === 'ACTIVE' ? 'warning' : 'check'} size={12} />
      {state === 'ACTIVE' ? 'active' : 'closed'}
    </Badge>
  )
}

/** A service by its icon and name, and its type if there is room. */
export function ServiceName({ service, typed = false }: { service: AnomalousServiceId; typed?: boolean }) {
  const { name, type } = nodeOf(service)
  return (
    <span className={css.service} title={type ? `${name} (${type})` : name}>
      <NodeIcon kind={kindOf(type)} size={16} />
      <span className={`ellipsis ${css.whole}`}>{titleOf({ name })}</span>
      {typed && type && <span className="quiet">{shortType(type)}</span>}
    </span>
  )
}

/** How many requests failed, as figures and a bar. */
export function ImpactBar({ impact }: { impact: RequestImpact }) {
  const share = faultShare(impact)
  return (
    <span className={css.impact}>
      <span>
        {count(impact.FaultCount)} of {count(impact.TotalCount)}
      </span>
      <span className={css.impactBar} aria-hidden="true">
        <span style={{ width: `${(share ?? 0) * 100}%` }} />
      </span>
      <span className="quiet">{share === null ? '' : percent(share)}</span>
    </span>
  )
}
