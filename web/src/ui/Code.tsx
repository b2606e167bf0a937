import { Copy } from './Copy'
import css from './Code.module.css'

interface CodeProps {
  text: string
  /** What the button does, where several are near. */
  label?: string
  /** On one line, whose end is cut; otherwise all is seen. */
  line?: boolean
}

/** Something to type, or to read, elsewhere, with a button that copies it. */
export function Code({ text, label, line = false }: CodeProps) {
  return (
    <div className={`${css.code} ${line ? css.line : ''}`}>
      {line ? <code title={text}>{text}</code> : <pre tabIndex={0}>{text}</pre>}
      <Copy text={text} {...(label ? { label } : {})} />
    </div>
  )
}
