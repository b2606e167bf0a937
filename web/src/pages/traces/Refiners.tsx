import { useQuery } from '@tanstack/react-query'
import { complete } from '../../api/completion'
import type { Window } from '../../api/xray'
import type { Counting } from '../../app/useAnalysis'
import { annotationAttribute, attributeName, attributeNames } from '../../model/attributes'
import { has, not } from '../../model/filter'
import { count, duration, percent, plural, short } from '../../model/format'
import { IconButton } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { OutcomeBar } from '../../ui/Outcomes'
import { Select } from '../../ui/Select'
import { Failed } from '../../ui/State'
import { facetOf, mostAttributes, urlParts, type Facet } from './model'
import css from './traces.module.css'

/** How many values of an attribute are shown, and how many of the one that is unfolded. */
export const fewValues = 6
export const manyValues = 100

interface RefinersProps {
  counting: Counting
  window: Window
  filter: string
  attributes: readonly string[]
  more: string | undefined
  onAttributes: (attributes: readonly string[]) => void
  onMore: (attribute: string | undefined) => void
  /** A condition was clicked: adds it to the filter, or takes it away. */
  onCondition: (condition: string) => void
  onClose: () => void
}

/** The traces taken apart by attributes: a click on a value adds it to the filter. */
export function Refiners({ counting, window, filter, attributes, more, onAttributes, onMore, onCondition, onClose }: RefinersProps) {
  const keys = useQuery({
    queryKey: ['annotation keys', window],
    queryFn: async ({ signal }) => (await complete({ text: 'annotation.', cursor: 11, window, limit: 200 }, signal)).Suggestions.filter((one) => one.Kind === 'key'),
  })
  const set = counting.data?.Sets[0]
  const facets = new Map((counting.data?.Attributes ?? []).map((attribute) => [attribute.Name, attribute]))
  const choices = [
    { value: '', label: 'Add an attribute…' },
    ...(keys.data ?? []).map((key) => ({ value: annotationAttribute(key.Label), label: key.Label, note: `annotation${key.Count === null ? '' : `, ${plural(key.Count, 'trace')} of those looked at`}` })),
    ...Object.entries(attributeNames).map(([value, label]) => ({ value, label, note: value.startsWith('rootcause') ? `${value}, reads whole traces` : value })),
  ].filter((choice) => !attributes.includes(choice.value))
  return (
    <aside className={css.refiners} aria-label="Refine">
      <header className={css.refineHead}>
        <h2>Refine</h2>
        <span className="space" />
        <IconButton label="Fold the refiners away" shortcut="f" icon={<Icon name="left" size={15} />} onPress={onClose} />
      </header>
      <div className={`${css.facets} ${counting.stale ? 'stale' : ''}`}>
        {counting.error && !counting.data ? (
          <Failed what="The values are not there" error={counting.error} retry={counting.go} />
        ) : (
          attributes.map((attribute) => {
            const found = facets.get(attribute)
            return (
              <FacetSection
                key={attribute}
                attribute={attribute}
                facet={found && set ? facetOf(found, set.TotalCount, attribute === more ? manyValues : fewValues) : null}
                stopped={counting.stopped}
                filter={filter}
                open={attribute === more}
                onMore={() => onMore(attribute === more ? undefined : attribute)}
                onRemove={attributes.length > 1 ? () => onAttributes(attributes.filter((one) => one !== attribute)) : undefined}
                onCondition={onCondition}
              />
            )
          })
        )}
        {attributes.length < mostAttributes ? (
          <div className={css.addFacet}>
            <Select label="Add an attribute" icon={<Icon name="plus" size={14} />} value="" choices={choices} onChange={(value) => value && onAttributes([...attributes, value])} />
          </div>
        ) : (
          <p className="quiet">No more than {mostAttributes} attributes at the same time.</p>
        )}
      </div>
    </aside>
  )
}

/** A URL with its end in front: hosts are often the same, and there is little room. */
function UrlText({ url }: { url: string }) {
  const { host, path } = urlParts(url)
  return (
    <>
      {path} {host && <span className="quiet">{host}</span>}
    </>
  )
}

interface FacetSectionProps {
  attribute: string
  facet: Facet | null
  stopped: boolean
  filter: string
  open: boolean
  onMore: () => void
  onRemove: (() => void) | undefined
  onCondition: (condition: string) => void
}

function FacetSection({ attribute, facet, stopped, filter, open, onMore, onRemove, onCondition }: FacetSectionProps) {
  const name = attributeName(attribute)
  const most = Math.max(1, ...(facet?.values.map((value) => value.figures.total) ?? []))
  return (
    <section className={css.facet} aria-label={name}>
      <header className={css.facetHead}>
        <h3 title={attribute}>{name}</h3>
        {attribute.startsWith('annotation[') && <span className={css.tag}>annotation</span>}
        <span className="space" />
        {onRemove && <IconButton label={`Remove ${name}`} icon={<Icon name="close" size={13} />} onPress={onRemove} />}
      </header>
      {!facet ? (
        <div className={css.facetBlank}>{!stopped && <span className={css.shimmer} />}</div>
      ) : facet.values.length === 0 ? (
        <p className={css.facetFoot}>No trace has one.</p>
      ) : (
        <>
          <ul>
            {facet.values.map((value) => {
              const inside = has(filter, value.condition)
              const outside = has(filter, not(value.condition))
              const figures = `${count(value.figures.total)}${value.share === null ? '' : `, ${percent(value.share)}`}${value.p50 === null ? '' : `, p50 ${duration(value.p50)}`}`
              return (
                <li key={value.condition} className={`${css.value} ${inside ? css.inside : ''}`}>
                  <button type="button" className={css.valueButton} aria-pressed={inside} title={`${value.text}: ${figures}\n${value.condition}`} onClick={() => onCondition(value.condition)}>
                    <span className={css.valueText}>{attribute === 'http.url' ? <UrlText url={value.text} /> : value.text}</span>
                    <span className={css.valueCount}>{short(value.figures.total)}</span>
                    <span className={css.valueBar} style={{ width: `${Math.max(2, (value.figures.total / most) * 100)}%` }}>
                      <OutcomeBar figures={value.figures} />
                    </span>
                  </button>
                  <button type="button" className={css.exclude} aria-pressed={outside} aria-label={`Exclude ${value.text}`} title={`Exclude ${value.text}`} onClick={() => onCondition(not(value.condition))}>
                    <Icon name="minus" size={13} />
                  </button>
                </li>
              )
            })}
          </ul>
          <p className={css.facetFoot}>
            {facet.left > 0 && (
              <>
                <button type="button" className="word-button" onClick={onMore}>
                  {open ? 'Fewer' : 'More'}
                </button>{' '}
                {facet.estimated ? 'about ' : ''}
                {plural(facet.left, 'other value')}, there {facet.leftTimes === 1 ? 'once' : `${count(facet.leftTimes)} times`}.{' '}
              </>
            )}
            {facet.left === 0 && open && facet.values.length > fewValues && (
              <button type="button" className="word-button" onClick={onMore}>
                Fewer
              </button>
            )}{' '}
            {facet.absent > 0 && <>{plural(facet.absent, 'trace')} without.</>}
            {facet.examined && (
              <>
                {count(facet.examined.n)} of {count(facet.examined.of)} traces that may have one were read.
              </>
            )}
          </p>
        </>
      )}
    </section>
  )
}
