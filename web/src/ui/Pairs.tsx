import { Button, IconButton } from './Button'
import { Icon } from './Icon'
import css from './Pairs.module.css'

export interface Pair {
  key: string
  value: string
}

interface PairsProps {
  /** What the pairs are called, as in "Tag". */
  name: string
  pairs: readonly Pair[]
  onChange: (pairs: Pair[]) => void
  /** How many there may be. */
  most: number
  valueHint?: string
}

/** Keys and values to add, change and take away. */
export function Pairs({ name, pairs, onChange, most, valueHint = 'value' }: PairsProps) {
  const set = (at: number, change: Partial<Pair>) => onChange(pairs.map((pair, i) => (i === at ? { ...pair, ...change } : pair)))
  return (
    <div className={css.pairs}>
      {pairs.map((pair, at) => (
        <div key={at} className={css.pair}>
          <input aria-label={`${name} ${at + 1}, key`} placeholder="key" value={pair.key} spellCheck={false} autoComplete="off" onChange={(event) => set(at, { key: event.target.value })} />
          <input aria-label={`${name} ${at + 1}, value`} placeholder={valueHint} value={pair.value} spellCheck={false} autoComplete="off" onChange={(event) => set(at, { value: event.target.value })} />
          <IconButton label={`Take away ${name.toLowerCase()} ${at + 1}`} icon={<Icon name="close" size={14} />} onPress={() => onChange(pairs.filter((_, i) => i !== at))} />
        </div>
      ))}
      {pairs.length < most && (
        <span>
          <Button look="quiet" icon={<Icon name="plus" size={14} />} onPress={() => onChange([...pairs, { key: '', value: '' }])}>
            Add {name.toLowerCase()}
          </Button>
        </span>
      )}
    </div>
  )
}
