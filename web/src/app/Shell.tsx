import { Link, Outlet, useMatches, useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { IconButton } from '../ui/Button'
import { Icon } from '../ui/Icon'
import { Toasts } from '../ui/Toasts'
import { Account } from './Account'
import { GoToTrace, usePastedTrace } from './GoToTrace'
import { Help } from './Help'
import { listen, useShortcuts } from './keys'
import { keepNarrow, narrow as keptNarrow } from './look'
import { Logo } from './Logo'
import { navigation } from './navigation'
import { ScopeProvider } from './scope'
import { signInPath, useSignedIn, useSignInWhereNeeded } from './session'
import { setTheme, useTheme, type Theme } from './theme'
import css from './Shell.module.css'

/** What stands around every page: the way to the others, and help. */
export function Shell() {
  const navigate = useNavigate()
  const [help, setHelp] = useState(false)
  const [narrow, setNarrow] = useState(keptNarrow)
  const [goTo, setGoTo] = useState(false)
  const toggle = () => {
    keepNarrow(!narrow)
    setNarrow(!narrow)
  }
  const alone = useMatches({ select: (matches) => matches.at(-1)?.routeId === signInPath })
  const who = useSignedIn()
  useSignInWhereNeeded()
  useEffect(() => listen(window), [])
  useShortcuts('Go to', [
    ...navigation.map(({ path, label, key }) => ({ keys: `g ${key}`, does: label, run: () => void navigate({ to: path }) })),
    { keys: 'g #', does: 'A trace by its id, which can be pasted too', run: () => setGoTo(true) },
  ])
  usePastedTrace()
  useShortcuts('Everywhere', [
    { keys: '?', does: 'Show the keys', run: () => setHelp(true) },
    { keys: '[', does: 'Fold the navigation', run: toggle },
  ])
  if (alone) {
    return (
      <main className={css.alone}>
        <Outlet />
        {help && <Help onClose={() => setHelp(false)} />}
      </main>
    )
  }
  return (
    <div className={css.shell}>
      <a className={css.skip} href="#content">
        Skip to the content
      </a>
      <nav className={`${css.nav} ${narrow ? css.narrow : ''}`} aria-label="Pages">
        <div className={css.brand}>
          <Logo />
          <span className={css.word}>Tomo</span>
        </div>
        <ul>
          {navigation.map(({ path, label, icon }) => (
            <li key={path}>
              <Link to={path} className={css.item} activeProps={{ className: css.active!, 'aria-current': 'page' }} activeOptions={{ exact: path === '/', includeSearch: false }} title={label}>
                <Icon name={icon} size={18} />
                <span className={css.word}>{label}</span>
              </Link>
            </li>
          ))}
        </ul>
        {who?.Session && <Account session={who.Session} />}
        <div className={css.tools}>
          <IconButton label="Go to a trace by its id" shortcut="g #" icon={<Icon name="search" size={18} />} onPress={() => setGoTo(true)} />
          <ThemeButton />
          <IconButton label="Keys" shortcut="?" icon={<Icon name="help" size={18} />} onPress={() => setHelp(true)} />
          <IconButton label={narrow ? 'Unfold the navigation' : 'Fold the navigation'} shortcut="[" icon={<Icon name="sidebar" size={18} />} onPress={toggle} />
        </div>
      </nav>
      <main className={css.main} id="content" tabIndex={-1}>
        <ScopeProvider>
          <Outlet />
        </ScopeProvider>
      </main>
      <Toasts />
      {goTo && <GoToTrace onClose={() => setGoTo(false)} />}
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  )
}

const themes: Record<Theme, { next: Theme; label: string; icon: 'system' | 'light' | 'dark' }> = {
  system: { next: 'light', label: 'Colours: as the system. Change to light', icon: 'system' },
  light: { next: 'dark', label: 'Colours: light. Change to dark', icon: 'light' },
  dark: { next: 'system', label: 'Colours: dark. Change to those of the system', icon: 'dark' },
}

function ThemeButton() {
  const { next, label, icon } = themes[useTheme()]
  return <IconButton label={label} icon={<Icon name={icon} size={18} />} onPress={() => setTheme(next)} />
}
