// How the reader wants the console to look, as the browser keeps it. It is applied
// before anything is painted, so nothing here may need a library.

/** What the reader wants: one of the two, or what their system has. */
export type Theme = 'system' | 'light' | 'dark'

const themeKey = 'tomo.theme'
const narrowKey = 'tomo.narrow'

export function theme(): Theme {
  const kept = localStorage.getItem(themeKey)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

export function keepTheme(wanted: Theme): void {
  if (wanted === 'system') localStorage.removeItem(themeKey)
  else localStorage.setItem(themeKey, wanted)
  applyTheme()
}

/** Whether the navigation is folded. */
export function narrow(): boolean {
  return localStorage.getItem(narrowKey) === 'yes'
}

export function keepNarrow(wanted: boolean): void {
  localStorage.setItem(narrowKey, wanted ? 'yes' : 'no')
}

/** applyTheme tells the style sheets; see styles/tokens.css. */
export function applyTheme(): void {
  const wanted = theme()
  if (wanted === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = wanted
}

/** applyLook makes the empty frame look like the console that takes its place; see styles/frame.css. */
export function applyLook(): void {
  applyTheme()
  const frame = document.getElementById('frame')
  if (!frame) return
  if (narrow()) frame.dataset['narrow'] = ''
  if (location.pathname === '/sign-in') frame.hidden = true
}
