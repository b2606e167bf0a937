import { Copy } from '../../ui/Copy'
import css from './settings.module.css'

/** Something to type elsewhere, with a button that copies it. */
export function Code({ text }: { text: string }) {
  return (
    <div className={css.code}>
      <pre tabIndex={0}>{text}</pre>
      <Copy text={text} />
    </div>
  )
}
