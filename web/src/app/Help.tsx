import { Fragment } from 'react'
import { Dialog } from '../ui/Dialog'
import { allShortcuts } from './keys'
import css from './Shell.module.css'

/** The keys that do something where the reader is. */
export function Help({ onClose }: { onClose: () => void }) {
  const titles = [...new Set(allShortcuts().map((group) => group.title))]
  return (
    <Dialog title="Keys" open onClose={onClose} wide>
      <div className={css.keys}>
        {titles.map((title) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {allShortcuts()
                .filter((group) => group.title === title)
                .flatMap((group) => [...group.shortcuts])
                .map((shortcut) => (
                  <div key={shortcut.keys}>
                    <dt>
                      {shortcut.keys.split(' ').map((key, i) => (
                        <Fragment key={i}>
                          {i > 0 && ' '}
                          <kbd>{names[key] ?? key}</kbd>
                        </Fragment>
                      ))}
                    </dt>
                    <dd>{shortcut.does}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}

const names: Record<string, string> = { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' }
