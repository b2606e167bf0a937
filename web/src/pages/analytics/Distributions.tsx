import type { AnalysisAttribute, AnalysisFigures } from '../../api/analysis'
import { annotationAttribute, attributeNames } from '../../model/attributes'
import { count, duration, percent, plural } from '../../model/format'
import { shareOf } from '../../model/histogram'
import { IconButton } from '../../ui/Button'
import { Block } from '../../ui/Card'
import { Icon } from '../../ui/Icon'
import { Select } from '../../ui/Select'
import { Bars, Value } from './Differences'
import { commonStart, labelOf, leftOut, mostAttributes, valueText } from './model'
import { RefineButtons } from './Refine'
import css from './analytics.module.css'

interface DistributionsProps {
  attributes: readonly AnalysisAttribute[]
  shown: readonly string[]
  /** Annotation keys that the traces have. */
  keys: readonly string[]
  top: '' | '20' | '100'
  onShow: (names: readonly string[]) => void
  onTop: (top: '' | '20' | '100') => void
}

/** How the values of chosen attributes are spread over the sets. */
export function Distributions({ attributes, shown, keys, top, onShow, onTop }: DistributionsProps) {
  const offered = [...keys.map((key) => ({ value: annotationAttribute(key), label: labelOf(annotationAttribute(key)) })), ...Object.entries(attributeNames).map(([value, label]) => ({ value, label, note: value }))].filter(({ value }) => !shown.includes(value))
  return (
    <Block
      title="By attribute"
      aside={
        <span className={css.controls}>
          {shown.length < mostAttributes ? (
            <Select label="Add an attribute" icon={<Icon name="plus" size={14} />} value="" choices={[{ value: '', label: 'Add' }, ...offered]} onChange={(name) => name && onShow([name, ...shown])} />
          ) : (
            <span className="note">As many as there may be</span>
          )}
          <Select
            label="Values"
            labelled
            value={top}
            choices={[
              { value: '', label: '8' },
              { value: '20', label: '20' },
              { value: '100', label: '100' },
            ]}
            onChange={onTop}
          />
        </span>
      }
    >
      {attributes.length === 0 && <p className={css.nothing}>Add an attribute, or an annotation, to see its values in both sets.</p>}
      <div className={css.grid2}>
        {attributes.map((attribute) => (
          <Distribution key={attribute.Name} attribute={attribute} onRemove={() => onShow(shown.filter((name) => labelOf(name) !== labelOf(attribute.Name)))} />
        ))}
      </div>
    </Block>
  )
}

function Distribution({ attribute, onRemove }: { attribute: AnalysisAttribute; onRemove: () => void }) {
  const sampled = attribute.Eligible !== null && attribute.Examined !== null && attribute.Examined < attribute.Eligible
  const left = leftOut(attribute)
  // Of sampled ones the share is that of the traces that were read and have a value.
  const share = (figures: AnalysisFigures | undefined, set: number) => figures?.Share ?? shareOf(figures?.TotalCount ?? 0, attribute.Sets[set]?.WithCount ?? 0)
  const most = Math.max(0.0001, ...attribute.Values.flatMap((value) => value.Sets.map(share)))
  const label = labelOf(attribute.Name)
  const start = commonStart(attribute.Values.map((value) => valueText(value.Value)))
  return (
    <article className={css.distribution} aria-label={label}>
      <header className={css.distributionHead}>
        <h3>{label}</h3>
        <span className="note">
          {attribute.Complete ? '' : 'about '}
          {plural(Math.max(0, ...attribute.Sets.map((set) => set.DistinctCount)), 'value')}
        </span>
        <IconButton label={`Remove ${label}`} icon={<Icon name="close" size={14} />} onPress={onRemove} />
      </header>
      {attribute.Values.length === 0 ? (
        <p className={css.nothing}>No trace of either set has one.</p>
      ) : (
        <div className={css.scroll} tabIndex={0} role="region" aria-label={`Values of ${label}`}>
          <table className={css.values}>
            <thead>
              <tr>
                <th scope="col">Value</th>
                <th scope="col" className={css.right}>
                  <span className={css.textA}>A</span>
                </th>
                <th scope="col" className={css.right}>
                  <span className={css.textB}>B</span>
                </th>
                <th scope="col" className={css.barsColumn}>
                  Shares
                </th>
                <th scope="col" className={css.right}>
                  p95
                </th>
                <td />
              </tr>
            </thead>
            <tbody>
              {attribute.Values.map((value) => (
                <tr key={value.FilterExpression}>
                  <th scope="row">
                    <Value text={valueText(value.Value)} start={start} />
                  </th>
                  {value.Sets.map((figures, i) => (
                    <td key={i} className={css.right}>
                      {percent(share(figures, i))}
                      <span className={css.small}>{count(figures.TotalCount)}</span>
                    </td>
                  ))}
                  <td>
                    <Bars a={share(value.Sets[0], 0) / most} b={share(value.Sets[1], 1) / most} />
                  </td>
                  <td className={css.right}>
                    <span className={css.textA}>{duration(value.Sets[0]?.P95)}</span>
                    <span className={`${css.small} ${css.textB}`}>{duration(value.Sets[1]?.P95)}</span>
                  </td>
                  <td className={css.right}>
                    <RefineButtons condition={value.FilterExpression} of={`${label} ${valueText(value.Value)}`} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p className="note">
        {[
          left.values > 0 ? `${plural(left.values, 'other value')}: ${count(left.counts[0] ?? 0)} in A, ${count(left.counts[1] ?? 0)} in B.` : '',
          attribute.Complete ? '' : 'There are too many values to count all: one that fewer than one trace in 5,000 has may be missing.',
          sampled ? `Of ${count(attribute.Eligible!)} traces that can have one, ${count(attribute.Examined!)} were read, evenly chosen; counts and shares are of those.` : '',
        ]
          .filter(Boolean)
          .join(' ')}
      </p>
    </article>
  )
}
