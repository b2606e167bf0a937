import { lazy, Suspense, useImperativeHandle, useRef, type Ref, type RefObject } from 'react'
import type { Problem } from '../api/completion'
import type { Window } from '../api/xray'
import css from './FilterEditor.module.css'

export interface EditorHandle {
  focus: () => void
}

export interface EditorProps {
  /** What the expression is for; read aloud. */
  label: string
  value: string
  onChange: (value: string) => void
  /** Enter was pressed. */
  onEnter?: (value: string) => void
  /** Alt with arrow down was pressed: whoever has other filters shows them. */
  onOthers?: () => void
  /** What is wrong with the text, whenever that was found out; null if nothing. */
  onProblem?: (problem: Problem | null) => void
  /** The time whose traces words are suggested from; without one, the newest. */
  window?: Window | undefined
  /** Stands there while nothing else does. */
  hint?: string
}

/** What the editor itself is told besides. */
export interface InnerProps extends EditorProps {
  handle: Ref<EditorHandle>
  /** Whether somebody types in the plain field that the editor takes the place of. */
  typing: RefObject<boolean>
}

// The editor is large, and a plain field can be typed in until it is there.
const Editor = lazy(() => import('./Editor'))

/** A field for a filter expression: colours, what may come next, and what is wrong where. */
export function FilterEditor({ handle, ...props }: EditorProps & { handle?: Ref<EditorHandle> }) {
  const editor = useRef<EditorHandle>(null)
  const plain = useRef<HTMLInputElement>(null)
  const typing = useRef(false)
  useImperativeHandle(handle, () => ({ focus: () => (editor.current ?? plain.current)?.focus() }), [])
  const field = (
    <input
      ref={plain}
      className={css.plain}
      type="text"
      aria-label={props.label}
      value={props.value}
      placeholder={props.hint}
      onChange={(event) => props.onChange(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') props.onEnter?.(props.value)
        if (event.key === 'ArrowDown' && event.altKey) props.onOthers?.()
      }}
      onFocus={() => (typing.current = true)}
      onBlur={() => (typing.current = false)}
    />
  )
  return (
    // Escape that closes suggestions closes nothing else, such as a dialog around.
    <div className={css.frame} onKeyDown={(event) => event.key === 'Escape' && event.isDefaultPrevented() && event.stopPropagation()}>
      <Suspense fallback={field}>
        <Editor {...props} handle={editor} typing={typing} />
      </Suspense>
    </div>
  )
}
