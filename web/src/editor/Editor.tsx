import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus, startCompletion, type Completion as Option, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, syntaxHighlighting } from '@codemirror/language'
import { forceLinting, linter, type Diagnostic } from '@codemirror/lint'
import { Compartment, EditorState, Prec } from '@codemirror/state'
import { drawSelection, EditorView, keymap, placeholder } from '@codemirror/view'
import { useEffect, useImperativeHandle, useLayoutEffect, useRef } from 'react'
import { complete, type Problem, type Suggestion } from '../api/completion'
import { count } from '../model/format'
import { filterColours, filterLanguage, tokenAt } from './language'
import { theme } from './theme'
import type { EditorProps, InnerProps } from './FilterEditor'
import css from './FilterEditor.module.css'

/**
 * Editor is CodeMirror for filter expressions. It lives in a shadow root: there its styles
 * are constructed style sheets, which the Content-Security-Policy lets be, and not
 * elements, which it forbids.
 */
export default function Editor({ label, value, onChange, onEnter, onOthers, onProblem, window: asked, hint, handle, typing }: InnerProps) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const latest = useRef({ onChange, onEnter, onOthers, onProblem, asked })
  useEffect(() => {
    latest.current = { onChange, onEnter, onOthers, onProblem, asked }
  })
  const labelled = useRef(new Compartment())

  useLayoutEffect(() => {
    const element = host.current!
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' })
    const made = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: value,
        selection: { anchor: value.length },
        extensions: [
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          filterLanguage,
          syntaxHighlighting(filterColours),
          EditorView.lineWrapping,
          labelled.current.of(EditorView.contentAttributes.of({ 'aria-label': label })),
          placeholder(hint ?? 'Filter expression'),
          autocompletion({
            override: [(context) => suggest(context, () => latest.current.asked)],
            icons: false,
            activateOnTyping: true,
            activateOnTypingDelay: 60,
            interactionDelay: 30,
            optionClass: (option) => `kind-${option.type ?? ''}`,
            addToOptions: [{ render: (option) => figure(option as CountedOption), position: 90 }],
          }),
          linter((now) => check(now, latest.current.onProblem), { delay: 250 }),
          Prec.highest(
            keymap.of([
              // A list that is about to change takes nothing yet; who means it should not land in the next
              // field.
              { key: 'Tab', run: (now) => (now.state.doc.length === 0 ? passBy(now) : acceptCompletion(now) || completionStatus(now.state) !== null) },
              {
                key: 'Enter',
                run: (now) => {
                  if (completionStatus(now.state) === 'active' && acceptCompletion(now)) return true
                  latest.current.onEnter?.(now.state.doc.toString())
                  return true
                },
              },
              { key: 'Alt-ArrowDown', run: () => (latest.current.onOthers?.(), latest.current.onOthers !== undefined) },
              { key: 'Mod-Enter', run: (now) => (latest.current.onEnter?.(now.state.doc.toString()), true) },
            ]),
          ),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString())
          }),
          EditorView.domEventHandlers({
            focus: (_, now) => {
              if (now.state.doc.length === 0) setTimeout(() => startCompletion(now), 0)
            },
          }),
          theme,
        ],
      }),
    })
    view.current = made
    if (typing.current) made.focus()
    return () => {
      made.destroy()
      view.current = null
    }
    // The editor is made once; what changes reaches it below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [])

  // Before the next key is heard: what is typed comes back as the value, and later it
  // would be older than the text, and take its place.
  useLayoutEffect(() => {
    const now = view.current
    if (!now || now.state.doc.toString() === value) return
    now.dispatch({ changes: { from: 0, to: now.state.doc.length, insert: value }, selection: { anchor: value.length } })
    forceLinting(now)
  }, [value])
  useEffect(() => {
    view.current?.dispatch({ effects: labelled.current.reconfigure(EditorView.contentAttributes.of({ 'aria-label': label })) })
  }, [label])
  useImperativeHandle(handle, () => ({ focus: () => view.current?.focus() }), [])

  return <div ref={host} className={css.editor} />
}

/** passBy lets who has written nothing go on to the next field, and not into the list. */
function passBy(view: EditorView): boolean {
  closeCompletion(view)
  return false
}

interface CountedOption extends Option {
  count: number | null
}

/** suggest asks the server how the text may go on. */
async function suggest(context: CompletionContext, asked: () => EditorProps['window']): Promise<CompletionResult | null> {
  const given = new AbortController()
  context.addEventListener('abort', () => given.abort())
  const text = context.state.doc.toString()
  const answer = await complete({ text, cursor: context.pos, window: asked() }, given.signal).catch(() => null)
  if (!answer || context.aborted || answer.Suggestions.length === 0) return null
  return {
    from: answer.From,
    to: answer.To,
    filter: false, // the server has put them in order
    options: answer.Suggestions.map(
      (suggestion): CountedOption => ({
        label: suggestion.Label,
        apply: (view, _, from, to) => apply(view, suggestion, from, to),
        type: suggestion.Kind,
        count: suggestion.Count,
        ...(suggestion.Doc ? { info: suggestion.Doc } : {}),
      }),
    ),
  }
}

/** apply puts a suggestion in, with the cursor where one goes on: within brackets and quotes that it brings. */
function apply(view: EditorView, { Text: text, Kind: kind }: Suggestion, from: number, to: number): void {
  const inside = /^(.*[({[]"?)("?[)}\]])$/s.exec(text)
  const anchor = from + (inside ? inside[1]!.length : text.length)
  view.dispatch({ changes: { from, to, insert: text }, selection: { anchor }, userEvent: 'input.complete' })
  if (kind === 'keyword' || kind === 'operator' || inside) setTimeout(() => startCompletion(view), 0)
}

/** figure is how many traces have a value. */
function figure(option: CountedOption): Node | null {
  if (option.count === null || option.count === undefined) return null
  const element = document.createElement('span')
  element.className = 'figure'
  element.textContent = count(option.count)
  return element
}

/** check asks the server what is wrong with the text, and underlines it. */
async function check(view: EditorView, onProblem: EditorProps['onProblem']): Promise<Diagnostic[]> {
  const text = view.state.doc.toString()
  if (text.trim() === '') {
    onProblem?.(null)
    return []
  }
  let problem: Problem | null
  try {
    problem = (await complete({ text, cursor: text.length, limit: 1 })).Problem
  } catch {
    return [] // whoever runs the expression hears why
  }
  if (view.state.doc.toString() !== text) return []
  onProblem?.(problem)
  if (!problem) return []
  const from = Math.min(problem.At, text.length)
  const { length } = from < text.length ? tokenAt(text.slice(from)) : { length: 0 }
  return [{ from: length === 0 && from > 0 ? from - 1 : from, to: Math.max(from, from + length), severity: 'error', message: problem.Message }]
}
