import { useEffect, useRef, useState, type Ref } from 'react'
import type { Window } from '../../api/xray'
import { FilterEditor, type EditorHandle } from '../../editor/FilterEditor'
import { plural } from '../../model/format'
import { Button, IconButton } from '../../ui/Button'
import { Code } from '../../ui/Code'
import { Dialog } from '../../ui/Dialog'
import { Icon } from '../../ui/Icon'
import { Popover } from '../../ui/Popover'
import { toast } from '../../ui/Toasts'
import { filterStore, mostName, useFilters } from './filters'
import css from './traces.module.css'

interface FilterBarProps {
  filter: string
  onFilter: (filter: string) => void
  window: Window
  editor: Ref<EditorHandle>
  menu: boolean
  onMenu: (open: boolean) => void
  saving: boolean
  onSaving: (open: boolean) => void
  /** The same question for a terminal. */
  commands: readonly { label: string; command: string; note?: string }[]
}

/** Where the filter is written, taken from those that were, and kept under a name. */
export function FilterBar({ filter, onFilter, window, editor, menu, onMenu, saving, onSaving, commands }: FilterBarProps) {
  const [draft, setDraft] = useState({ of: filter, text: filter })
  // Whatever else sets the filter takes the place of what was written.
  if (draft.of !== filter) setDraft({ of: filter, text: filter })
  const written = draft.of === filter ? draft.text : filter
  return (
    <form
      className={css.bar}
      onSubmit={(event) => {
        event.preventDefault()
        onFilter(written)
      }}
    >
      <FilterEditor
        label="Filter expression"
        hint={'All traces. Try service("shop") { fault }'}
        value={written}
        onChange={(text) => setDraft({ of: filter, text })}
        onEnter={onFilter}
        onOthers={() => onMenu(true)}
        window={window}
        handle={editor}
      />
      <Popover
        label="History and saved filters"
        open={menu}
        onOpen={onMenu}
        className={css.menu}
        button={<IconButton label="History and saved filters" shortcut="h" look="plain" icon={<Icon name="time" size={15} />} />}
      >
        <FilterMenu
          open={(text) => {
            onMenu(false)
            onFilter(text)
          }}
        />
      </Popover>
      <IconButton label="Save this filter" shortcut="s" look="plain" icon={<Icon name="star" size={15} />} onPress={() => onSaving(true)} />
      <Popover label="Copy as CLI" className={css.commands} button={<Button icon={<Icon name="copy" size={14} />}>CLI</Button>}>
        <h2>The same in a terminal</h2>
        {commands.map(({ label, command, note }) => (
          <section key={label}>
            <h3>{label}</h3>
            <Code text={command} label={`Copy the command for ${label}`} />
            {note && <p className="quiet">{note}</p>}
          </section>
        ))}
      </Popover>
      <Button type="submit" look="main">
        Search
      </Button>
      {saving && <SaveDialog filter={written} onClose={() => onSaving(false)} />}
    </form>
  )
}

/** The filters that are kept: arrows go from one to the next, and what is typed narrows them. */
function FilterMenu({ open }: { open: (filter: string) => void }) {
  const { history, saved } = useFilters()
  const [words, setWords] = useState('')
  const [renaming, setRenaming] = useState<string | null>(null)
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => field.current?.focus(), [])
  const fits = (text: string) => text.toLowerCase().includes(words.trim().toLowerCase())
  const named = saved.filter((one) => fits(`${one.name} ${one.filter}`))
  const past = history.filter(fits)
  const step = (way: 1 | -1) => {
    const stops = [field.current!, ...(list.current?.querySelectorAll<HTMLElement>('[data-open]') ?? [])]
    const at = stops.indexOf(document.activeElement as HTMLInputElement)
    stops[Math.min(stops.length - 1, Math.max(0, at + way))]?.focus()
  }
  return (
    <div
      onKeyDown={(event) => {
        if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
        event.preventDefault()
        step(event.key === 'ArrowDown' ? 1 : -1)
      }}
    >
      <input
        ref={field}
        className={css.menuSearch}
        type="text"
        aria-label="Search in history and saved filters"
        placeholder="Search"
        value={words}
        onChange={(event) => setWords(event.target.value)}
        onKeyDown={(event) => {
          const first = named[0]?.filter ?? past[0]
          if (event.key === 'Enter' && first !== undefined) open(first)
        }}
      />
      <div ref={list} className={css.menuList}>
        <section>
          <h3>Saved</h3>
          {named.length === 0 && <p className="quiet">{saved.length === 0 ? 'None yet. The star saves the filter that is written.' : 'None of this name.'}</p>}
          <ul>
            {named.map((one) => (
              <li key={one.name} className={css.menuRow}>
                {renaming === one.name ? (
                  <NameField
                    label={`New name of ${one.name}`}
                    value={one.name}
                    onDone={(name) => {
                      if (name !== null) filterStore.rename(one.name, name)
                      setRenaming(null)
                    }}
                  />
                ) : (
                  <>
                    <button type="button" data-open className={css.menuOpen} onClick={() => open(one.filter)}>
                      <strong>{one.name}</strong>
                      <code>{one.filter || 'all traces'}</code>
                    </button>
                    <IconButton label={`Rename ${one.name}`} icon={<Icon name="edit" size={14} />} onPress={() => setRenaming(one.name)} />
                    <IconButton label={`Delete ${one.name}`} icon={<Icon name="close" size={14} />} onPress={() => filterStore.remove(one.name)} />
                  </>
                )}
              </li>
            ))}
          </ul>
        </section>
        <section>
          <div className={css.menuHead}>
            <h3>History</h3>
            {history.length > 0 && (
              <button type="button" className="word-button" onClick={() => filterStore.clear()}>
                Forget all
              </button>
            )}
          </div>
          {past.length === 0 && <p className="quiet">{history.length === 0 ? 'No filter was run in this browser yet.' : 'None with these words.'}</p>}
          <ul>
            {past.map((filter) => (
              <li key={filter} className={css.menuRow}>
                <button type="button" data-open className={css.menuOpen} onClick={() => open(filter)}>
                  <code>{filter}</code>
                </button>
                <IconButton label={`Forget ${filter}`} icon={<Icon name="close" size={14} />} onPress={() => filterStore.forget(filter)} />
              </li>
            ))}
          </ul>
        </section>
      </div>
      <p className={css.menuFoot}>Kept in this browser only: {plural(saved.length, 'saved filter')}, the last {history.length} that were run.</p>
    </div>
  )
}

function NameField({ label, value, onDone }: { label: string; value: string; onDone: (name: string | null) => void }) {
  const [name, setName] = useState(value)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    field.current?.focus()
    field.current?.select()
  }, [])
  return (
    <input
      ref={field}
      className={css.menuSearch}
      type="text"
      aria-label={label}
      maxLength={mostName}
      value={name}
      onChange={(event) => setName(event.target.value)}
      onBlur={() => onDone(null)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') onDone(name)
        if (event.key === 'Escape') {
          event.stopPropagation()
          onDone(null)
        }
      }}
    />
  )
}

function SaveDialog({ filter, onClose }: { filter: string; onClose: () => void }) {
  const { saved } = useFilters()
  const [name, setName] = useState(() => saved.find((one) => one.filter === filter.trim())?.name ?? '')
  const taken = saved.find((one) => one.name === name.trim())
  const keep = () => {
    if (name.trim() === '') return
    filterStore.save(name, filter)
    toast(`Saved as ${name.trim()}`)
    onClose()
  }
  return (
    <Dialog
      title="Save this filter"
      open
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="main" isDisabled={name.trim() === ''} onPress={keep}>
            {taken ? 'Replace' : 'Save'}
          </Button>
        </>
      }
    >
      <div className={css.saveForm}>
        <code>{filter.trim() || 'all traces'}</code>
        <label>
          Name
          <input
            type="text"
            autoFocus
            maxLength={mostName}
            value={name}
            onChange={(event) => setName(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter') return
              event.preventDefault() // the form around is the search
              keep()
            }}
          />
        </label>
        {taken && taken.filter !== filter.trim() && (
          <p className="quiet">
            Takes the place of <code>{taken.filter}</code>
          </p>
        )}
      </div>
    </Dialog>
  )
}
