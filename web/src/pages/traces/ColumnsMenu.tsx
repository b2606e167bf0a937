import { Button } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { Popover } from '../../ui/Popover'
import { columnSpecs } from './TraceList'
import { columnIds, usualColumns, type ColumnId } from './model'
import css from './traces.module.css'

/** Which columns the list has. */
export function ColumnsMenu({ columns, onColumns }: { columns: readonly ColumnId[]; onColumns: (columns: readonly ColumnId[]) => void }) {
  return (
    <Popover label="Columns" className={css.columns} button={<Button icon={<Icon name="table" size={14} />}>Columns</Button>}>
      <ul>
        {columnIds.map((id) => (
          <li key={id}>
            <label>
              <input
                type="checkbox"
                checked={columns.includes(id)}
                disabled={columns.length === 1 && columns.includes(id)}
                onChange={(event) => onColumns(event.target.checked ? [...columns, id] : columns.filter((one) => one !== id))}
              />
              {columnSpecs[id].head}
            </label>
          </li>
        ))}
      </ul>
      <Button onPress={() => onColumns(usualColumns)}>The usual ones</Button>
    </Popover>
  )
}
