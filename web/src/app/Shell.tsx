import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { IconButton } from '../ui/Button'
import { Icon } from '../ui/Icon'
import { Toasts } from '../ui/Toasts'
import { Help } from './Help'
import { listen, useShortcuts } from './keys'
import { navigation } from './navigation'
import { ScopeProvider } from './scope'
import { setTheme, useTheme, type Theme } from './theme'
import css from './Shell.module.css'

const narrowKey = 'tomo.narrow'

/** What stands around every page: the way to the others, and help. */
export function Shell() {
  const navigate = useNavigate()
  const [help, setHelp] = useState(false)
  const [narrow, setNarrow] = useState(() => localStorage.getItem(narrowKey) === 'yes')
  const toggle = () => {
    localStorage.setItem(narrowKey, narrow ? 'no' : 'yes')
    setNarrow(!narrow)
  }
  useEffect(() => listen(window), [])
  useShortcuts('Go to', [
    ...navigation.map(({ path, label, key }) => ({ keys: `g ${key}`, does: label, run: () => void navigate({ to: path }) })),
  ])
  useShortcuts('Everywhere', [
    { keys: '?', does: 'Show the keys', run: () => setHelp(true) },
    { keys: '[', does: 'Fold the navigation', run: toggle },
  ])
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
              <Link to={path} className={css.item} activeProps={{ className: css.active!, 'aria-current': 'page' }} activeOptions={{ exact: path === '/', includeSearch: false }} title={narrow ? label : ''}>
                <Icon name={icon} size={18} />
                <span className={css.word}>{label}</span>
              </Link>
            </li>
          ))}
        </ul>
        <div className={css.tools}>
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

function Logo() {
  return (
    <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
      <rect className={css.logo} width="32" height="32" rx="8" />
      <path className={css.logoLines} d="M7 10h18M11 16h10M16 22h7" />
    </svg>
  )
}
