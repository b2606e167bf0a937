import { getRouteApi, Link } from '@tanstack/react-router'
import { Page } from '../../app/Page'
import { Empty } from '../../ui/State'
import { sections } from './sections'
import css from './settings.module.css'

const route = getRouteApi('/settings')

export function SettingsPage() {
  const { section = sections[0]!.id } = route.useSearch()
  const shown = sections.find((one) => one.id === section)
  return (
    <Page title="Settings" fills>
      <div className={css.page}>
        <nav className={css.sections} aria-label="Settings">
          <ul>
            {sections.map((one) => (
              <li key={one.id}>
                <Link to="/settings" search={(before) => ({ ...before, section: one.id })} className={`${css.section} ${one === shown ? css.chosen : ''}`} {...(one === shown ? { 'aria-current': 'true' as const } : {})}>
                  {one.label}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <div className={css.content}>
          {shown ? (
            <shown.Content />
          ) : (
            <Empty title="There is no such section" icon="settings">
              The link may be of another version of Tomo. The sections are at the left.
            </Empty>
          )}
        </div>
      </div>
    </Page>
  )
}
